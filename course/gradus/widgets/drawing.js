// A sheet to draw on, by mouse, pen, touch or keyboard. The ink is kept cell by cell, 0 to 255, as a picture of a digit is.
const SIDE = 252; // the longer side on the page, in CSS pixels

function render({ model, el }) {
  const rows = model.get("rows"), columns = model.get("columns"), brush = model.get("brush");
  const cell = Math.max(1, Math.floor(SIDE / Math.max(rows, columns)));
  let ink = bytes(model.get("ink"));
  let cursor = { x: columns / 2, y: rows / 2 }, penDown = false, erasing = false, last = null, sent = 0, timer = null;

  el.classList.add("gradus-pad");
  el.addEventListener("keydown", (event) => { // JupyterLab takes keys for its own commands otherwise
    const command = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    if (!command && event.key !== "Escape") event.stopPropagation();
  });

  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width: columns * cell, height: rows * cell, tabIndex: 0 });
  sheet.setAttribute("role", "application");
  sheet.setAttribute("aria-label",
    `${model.get("label")}: a sheet of ${rows} by ${columns} cells. Arrow keys move the pen, the space bar puts it down or ` +
    "lifts it, Delete clears the sheet. Or choose an example below.");
  const said = document.createElement("div");
  said.className = "gradus-pad-said";
  said.setAttribute("role", "status");
  const bar = document.createElement("div");
  bar.className = "gradus-pad-bar";
  const clear = button("Clear", () => { ink = new Uint8Array(rows * columns); send(); say("The sheet is empty."); });
  const rub = button("Eraser", () => {
    erasing = !erasing;
    rub.setAttribute("aria-pressed", String(erasing));
  });
  rub.setAttribute("aria-pressed", "false");
  bar.append(clear, rub);
  const samples = document.createElement("div");
  samples.className = "gradus-pad-bar";
  model.get("examples").forEach((sample, number) => {
    const name = model.get("names")[number];
    const small = document.createElement("canvas");
    Object.assign(small, { width: columns, height: rows });
    paint(small, bytes(sample), 1);
    const choose = button("", () => { ink = bytes(sample).slice(); send(); say(`Example ${name}.`); });
    choose.setAttribute("aria-label", `example ${name}`);
    choose.title = `example ${name}`;
    choose.append(small);
    samples.append(choose);
  });
  const title = document.createElement("div");
  title.textContent = model.get("label");
  const hint = document.createElement("div");
  hint.className = "gradus-pad-hint";
  hint.textContent = "Draw, or choose an example. By keyboard: arrows move, space puts the pen down, Delete clears.";
  el.replaceChildren(title, sheet, bar, samples, hint, said);
  show();

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  function say(text) { said.textContent = text; }

  function show() {
    paint(sheet, ink, cell);
    if (document.activeElement === sheet) {
      const pen = sheet.getContext("2d");
      pen.lineWidth = 2;
      pen.strokeStyle = penDown ? "#B84300" : "#005A94";
      pen.strokeRect(Math.floor(cursor.x) * cell + 1, Math.floor(cursor.y) * cell + 1, cell - 2, cell - 2);
    }
  }

  // Ink falls on every cell whose middle is near the line from one place to the next.
  function stroke(from, to) {
    const dx = to.x - from.x, dy = to.y - from.y, length2 = dx * dx + dy * dy;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const x = column + 0.5, y = row + 0.5;
        const along = length2 ? Math.max(0, Math.min(1, ((x - from.x) * dx + (y - from.y) * dy) / length2)) : 0;
        const away = Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
        const amount = Math.round(255 * Math.max(0, Math.min(1, brush + 0.5 - away)));
        const at = row * columns + column;
        ink[at] = erasing ? Math.min(ink[at], 255 - amount) : Math.max(ink[at], amount);
      }
    }
  }

  function send() { // at most every 60 ms while one draws, and always at the end
    show();
    const due = sent + 60 - performance.now();
    clearTimeout(timer);
    if (due > 0) { timer = setTimeout(send, due); return; }
    sent = performance.now();
    model.set("ink", new DataView(ink.slice().buffer));
    model.save_changes();
  }

  function place(event) {
    const box = sheet.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width * columns, y: (event.clientY - box.top) / box.height * rows };
  }

  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    sheet.focus({ preventScroll: true });
    sheet.setPointerCapture(event.pointerId);
    last = cursor = place(event);
    stroke(last, last);
    send();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!last) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) {
      const next = place(one);
      stroke(last, next);
      last = cursor = next;
    }
    send();
  });
  const lift = () => { if (last) { last = null; send(); } };
  sheet.addEventListener("pointerup", lift);
  sheet.addEventListener("pointercancel", lift);
  sheet.addEventListener("focus", show);
  sheet.addEventListener("blur", () => { penDown = false; show(); });
  sheet.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      const from = { x: Math.floor(cursor.x) + 0.5, y: Math.floor(cursor.y) + 0.5 };
      cursor = {
        x: Math.max(0.5, Math.min(columns - 0.5, from.x + way[0])),
        y: Math.max(0.5, Math.min(rows - 0.5, from.y + way[1])),
      };
      if (penDown) { stroke(from, cursor); send(); }
      say(`row ${Math.floor(cursor.y) + 1}, column ${Math.floor(cursor.x) + 1}`);
    } else if (event.key === " ") {
      penDown = !penDown;
      if (penDown) { stroke(cursor, cursor); send(); }
      say(penDown ? "The pen is down." : "The pen is lifted.");
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear.click();
    } else {
      return;
    }
    event.preventDefault();
    show();
  });

  const changed = () => { if (!last) { ink = bytes(model.get("ink")); show(); } };
  model.on("change:ink", changed);
  return () => { clearTimeout(timer); model.off("change:ink", changed); };
}

function bytes(view) {
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

function paint(canvas, ink, cell) {
  const pen = canvas.getContext("2d"), columns = canvas.width / cell;
  for (let at = 0; at < ink.length; at++) {
    const grey = 255 - ink[at];
    pen.fillStyle = `rgb(${grey},${grey},${grey})`;
    pen.fillRect((at % columns) * cell, Math.floor(at / columns) * cell, cell, cell);
  }
}

export default { render };

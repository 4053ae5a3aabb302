// Points that lie on a picture and can be dragged, by mouse, touch or keyboard. Python draws the picture under them.
const SVG = "http://www.w3.org/2000/svg";

function render({ model, el }) {
  el.classList.add("gradus-points");
  el.addEventListener("keydown", (event) => { // JupyterLab takes keys for its own commands otherwise
    const command = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    if (!command && event.key !== "Escape") event.stopPropagation();
  });
  const holder = document.createElement("div");
  const picture = document.createElement("img");
  const over = document.createElementNS(SVG, "svg");
  const hint = document.createElement("div");
  hint.className = "gradus-points-hint";
  hint.textContent = `${model.get("label")}: drag them. By keyboard: Tab to a point, arrows move it, with Shift by more.`;
  holder.append(picture, over);
  el.replaceChildren(holder, hint);

  let held = null, sent = 0, timer = null, address = null;
  let places = model.get("places").map((one) => [...one]);
  const dots = places.map((_, number) => {
    const dot = document.createElementNS(SVG, "circle");
    dot.setAttribute("tabindex", "0");
    dot.setAttribute("role", "slider"); // the nearest that there is to a thing with a place
    dot.setAttribute("aria-roledescription", "point");
    dot.setAttribute("fill", model.get("colours")[number]);
    dot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      dot.focus({ preventScroll: true });
      dot.setPointerCapture(event.pointerId);
      held = number;
    });
    dot.addEventListener("pointermove", (event) => { if (held === number) move(number, ...under(event)); });
    const drop = () => { if (held === number) { held = null; send(); } };
    dot.addEventListener("pointerup", drop);
    dot.addEventListener("pointercancel", drop);
    dot.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const part = event.shiftKey ? 10 : 50, [x0, x1, y0, y1] = limits();
      move(number, places[number][0] + way[0] * (x1 - x0) / part, places[number][1] + way[1] * (y1 - y0) / part);
    });
    over.append(dot);
    return dot;
  });

  function limits() { return model.get("limits"); } // x from, to; y from, to, in the picture's own units

  function under(event) {
    const box = holder.getBoundingClientRect(), [left, top, width, height] = model.get("frame"), [x0, x1, y0, y1] = limits();
    const right = ((event.clientX - box.left) / box.width - left) / width;
    const down = ((event.clientY - box.top) / box.height - top) / height;
    return [x0 + right * (x1 - x0), y1 - down * (y1 - y0)];
  }

  function move(number, x, y) {
    const [x0, x1, y0, y1] = limits();
    const within = (value, a, b) => Math.max(Math.min(a, b), Math.min(Math.max(a, b), value));
    places[number] = [within(x, x0, x1), within(y, y0, y1)];
    lay();
    send();
  }

  function send() { // at most every 60 ms while one drags, and always at the end
    const due = sent + 60 - performance.now();
    clearTimeout(timer);
    if (due > 0) { timer = setTimeout(send, due); return; }
    sent = performance.now();
    model.set("places", places.map((one) => [...one]));
    model.save_changes();
  }

  function lay() {
    const [wide, high] = model.get("size"), frame = model.get("frame");
    over.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    over.style.display = frame.length ? "" : "none"; // a picture with a message has no place for points
    if (!frame.length) return;
    const [left, top, width, height] = frame, [x0, x1, y0, y1] = limits();
    dots.forEach((dot, number) => {
      const [x, y] = places[number];
      dot.setAttribute("cx", wide * (left + width * (x - x0) / (x1 - x0)));
      dot.setAttribute("cy", high * (top + height * (y1 - y) / (y1 - y0)));
      dot.setAttribute("r", 8);
      const where = `x ${Number(x.toPrecision(3))}, y ${Number(y.toPrecision(3))}`;
      dot.setAttribute("aria-label", `${model.get("names")[number]}: ${where}`);
      dot.setAttribute("aria-valuetext", where);
      dot.setAttribute("aria-valuemin", x0);
      dot.setAttribute("aria-valuemax", x1);
      dot.setAttribute("aria-valuenow", x);
    });
  }

  function show() {
    const data = model.get("picture");
    if (!data?.byteLength) return;
    const old = address;
    address = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    picture.src = address;
    if (old) URL.revokeObjectURL(old);
    picture.alt = model.get("alt");
    holder.style.maxWidth = `${model.get("size")[0]}px`;
    lay();
  }

  const told = () => { if (held === null && timer === null) { places = model.get("places").map((one) => [...one]); lay(); } };
  model.on("change:picture", show);
  model.on("change:places", told);
  show();
  return () => { clearTimeout(timer); model.off("change:picture", show); model.off("change:places", told); if (address) URL.revokeObjectURL(address); };
}

export default { render };

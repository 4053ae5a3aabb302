// Pictures that were drawn beforehand, with a slider: needs no Python, so it stays alive on any page.
function render({ model, el }) {
  el.classList.add("gradus-film");
  el.addEventListener("keydown", (event) => { // JupyterLab takes keys for its own commands otherwise
    const command = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    if (!command && event.key !== "Escape") event.stopPropagation();
  });
  const addresses = model.get("frames").map((data) => URL.createObjectURL(new Blob([data], { type: "image/png" })));
  const alts = model.get("alts"), names = model.get("names"), label = model.get("label");
  let timer = null;

  const picture = document.createElement("img");
  picture.style.maxWidth = "100%";
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: addresses.length - 1, step: 1, value: model.get("at") });
  slider.setAttribute("aria-label", label);
  const where = document.createElement("span");
  where.className = "gradus-film-where";
  const back = button("◀", "back", () => go(Number(slider.value) - 1));
  const play = button("▶ play", "play", () => (timer ? stop() : start()));
  const next = button("▶", "next", () => go(Number(slider.value) + 1));
  const bar = document.createElement("div");
  bar.className = "gradus-film-bar";
  const title = document.createElement("span");
  title.textContent = label;
  bar.append(title, back, slider, next, play, where);
  el.replaceChildren(bar, picture);

  function button(text, name, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", act);
    return made;
  }
  function show() {
    const at = Number(slider.value);
    picture.src = addresses[at];
    picture.alt = alts[at];
    where.textContent = names[at];
    slider.setAttribute("aria-valuetext", names[at]);
  }
  function go(at) {
    slider.value = Math.max(0, Math.min(addresses.length - 1, at));
    show();
    model.set("at", Number(slider.value));
    model.save_changes();
  }
  function start() {
    if (Number(slider.value) === addresses.length - 1) go(0);
    play.textContent = "❚❚ stop";
    timer = setInterval(() => {
      go(Number(slider.value) + 1);
      if (Number(slider.value) === addresses.length - 1) stop();
    }, 1000 * model.get("seconds"));
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶ play";
  }
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  show();
  return () => { stop(); addresses.forEach((address) => URL.revokeObjectURL(address)); };
}

export default { render };

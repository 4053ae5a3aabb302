// JupyterLab takes keys such as the arrows for its own commands (two times D deletes the cell). Not while one is in here.
function render({ el }) {
  el.style.display = "none";
  const guard = () => {
    const box = el.parentElement?.closest(".widget-vbox");
    if (!box) { requestAnimationFrame(guard); return; } // not on the page yet
    box.addEventListener("keydown", (event) => {
      const command = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
      if (!command && event.key !== "Escape") event.stopPropagation();
    });
  };
  guard();
}

export default { render };

// Everything works without this: it only saves presses of a button.
"use strict";

document.documentElement.classList.add("script");

const partial = async (url, options = {}) => {
  const answer = await fetch(url, { ...options, headers: { ...options.headers, "X-Partial": "yes" } });
  if (answer.redirected) location.assign(answer.url); // the session has ended
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
};

// The progress of a request: a look every two seconds, until it has ended.
const progress = document.getElementById("progress");
const look = async () => {
  const url = progress.querySelector("[data-refresh]")?.dataset.refresh;
  if (!url) return;
  try {
    const text = await partial(url);
    if (!progress.contains(document.activeElement)) progress.innerHTML = text;
  } catch {
    // the next look may succeed
  }
  setTimeout(look, 2000);
};
if (progress) setTimeout(look, 1000);

// The builder: the preview follows the form, fields can be searched, values of states are suggested.
const builder = document.getElementById("builder");
if (builder) {
  const preview = document.getElementById("preview");
  let timer, current;
  const update = async () => {
    current?.abort();
    current = new AbortController();
    preview.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(builder));
      preview.innerHTML = await partial(builder.getAttribute("action"), { method: "POST", body, signal: current.signal });
      const text = preview.querySelector("[data-yaml]")?.content.textContent;
      if (text !== undefined) document.getElementById("yaml").textContent = text;
      preview.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name !== "AbortError") preview.removeAttribute("aria-busy");
    }
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(update, 600); };

  const shape = (row) => {
    const field = row.querySelector("[name=lhv]"), op = row.querySelector("[name=op]");
    const value = row.querySelector("[name=rhv]");
    if (field.selectedOptions[0]?.dataset.type === "state") value.setAttribute("list", "states");
    else value.removeAttribute("list");
    value.readOnly = "unary" in (op.selectedOptions[0]?.dataset ?? {});
    if (value.readOnly) value.value = "";
  };
  builder.querySelectorAll("[data-condition]").forEach(shape);

  const picker = document.getElementById("picker");
  builder.addEventListener("change", (event) => {
    const row = event.target.closest("[data-condition]");
    if (row) shape(row);
    if (event.target.name === "fields") picker.open = event.target.value === "chosen";
    if (event.target.name === "field") builder.querySelector("[name=fields][value=chosen]").checked = true;
    if (["first", "final"].includes(event.target.name)) builder.querySelector("[name=window][value=dates]").checked = true;
    if (["last", "unit"].includes(event.target.name)) builder.querySelector("[name=window][value=last]").checked = true;
    if (event.target.name) later();
  });
  builder.addEventListener("input", (event) => { if (event.target.name) later(); });
  builder.addEventListener("submit", () => clearTimeout(timer));

  const search = document.getElementById("find-field");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const field of picker.querySelectorAll("[data-field]")) {
      const text = field.dataset.field.toLowerCase();
      field.hidden = !words.every((word) => text.includes(word));
      shown += field.hidden ? 0 : 1;
    }
    for (const group of picker.querySelectorAll(".group")) group.hidden = !group.querySelector("[data-field]:not([hidden])");
    document.getElementById("found").textContent = search.value ? `${shown} found` : "";
  });
  search.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  if (!preview.querySelector(".alert, .scroll, .estimate")) update();
}

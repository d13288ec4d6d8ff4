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

// The builder: the preview follows the form, conditions come and go without a new page, fields can be searched, values of
// states are suggested.
const builder = document.getElementById("builder");
if (builder) {
  const preview = document.getElementById("preview");
  const of = (selector) => builder.querySelector(selector);
  const form = (action) => new URLSearchParams([...new FormData(builder), ["action", action]]);
  let timer, current;
  const update = async () => {
    current?.abort();
    current = new AbortController();
    preview.setAttribute("aria-busy", "true");
    try {
      const options = { method: "POST", body: form("preview"), signal: current.signal };
      preview.innerHTML = await partial(builder.getAttribute("action"), options);
      const text = of("[data-yaml]")?.content.textContent;
      if (text !== undefined) document.getElementById("yaml").textContent = text;
      preview.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name === "AbortError") return;
      preview.removeAttribute("aria-busy");
      clearTimeout(timer);
      timer = setTimeout(update, 5000); // the next one may succeed
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
  const shapeAll = () => builder.querySelectorAll("[data-condition]").forEach(shape);

  // What the form offers depends on some of its answers: its steps come anew from the server, the rest stays.
  const remake = async (action, focused) => {
    clearTimeout(timer);
    const answer = await fetch(builder.getAttribute("action"), { method: "POST", body: form(action) });
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const steps = page.querySelector(".steps");
    if (!steps) return; // the service refuses at the moment: the form stays, and its button may be pressed again
    of(".steps").replaceWith(steps);
    shapeAll();
    [...builder.querySelectorAll(focused)].at(-1)?.focus();
    update();
  };
  const focusedAfter = (action) =>
    action === "add:" ? "[name=lhv]" : action.startsWith("add:") ? "[name=rhv]:not(:read-only)" : "#conditions button";

  builder.addEventListener("change", ({ target }) => {
    const row = target.closest("[data-condition]");
    if (row) shape(row);
    if (["type", "over"].includes(target.name)) return remake("type", `[name=${target.name}]:checked`);
    if (target.name === "fields") of("#picker").open = target.value === "chosen";
    if (target.name === "field") of("[name=fields][value=chosen]").checked = true;
    if (["first", "final"].includes(target.name)) of("[name=window][value=dates]").checked = true;
    if (["last", "unit"].includes(target.name)) of("[name=window][value=last]").checked = true;
    if (target.name) later();
  });
  builder.addEventListener("input", ({ target }) => {
    if (target.id === "find-field") find(target.value);
    else if (target.name && !["type", "over"].includes(target.name)) later();
  });
  builder.addEventListener("submit", (event) => {
    const action = event.submitter?.value ?? "";
    clearTimeout(timer);
    if (!/^(add|drop):/.test(action)) return;
    event.preventDefault();
    remake(action, focusedAfter(action));
  });

  const find = (text) => {
    const words = text.toLowerCase().split(/\s+/), picker = of("#picker");
    let shown = 0;
    for (const field of picker.querySelectorAll("[data-field]")) {
      field.hidden = !words.every((word) => field.dataset.field.toLowerCase().includes(word));
      shown += field.hidden ? 0 : 1;
    }
    for (const group of picker.querySelectorAll(".group")) group.hidden = !group.querySelector("[data-field]:not([hidden])");
    of("#found").textContent = text ? `${shown} found` : "";
  };
  builder.addEventListener("keydown", (event) => {
    if (event.target.id === "find-field" && event.key === "Enter") event.preventDefault();
  });
  shapeAll();
  if (!preview.querySelector(".alert, .scroll, .estimate")) update();
}

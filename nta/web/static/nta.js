"use strict";
// Comfort only: every page works without it.

// "/" goes to the search field, as in many other tools, unless somebody is typing.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector("#search input[name=q]");
  if (!field) return;
  event.preventDefault();
  field.focus();
});

// A refresh of the list waits while somebody reads with the keyboard in it or selects from it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const list = event.target;
  const selecting = String(window.getSelection()) !== "";
  if (list.id === "cases" && (list.contains(document.activeElement) || selecting || document.hidden)) {
    event.preventDefault();
  }
});

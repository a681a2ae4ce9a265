"use strict";
const version = document.currentScript.dataset.version;
let changes;
// A browser opens few connections to one host: only the pages that somebody looks at have one.
function watch() {
  if (changes) changes.close();
  if (document.hidden) return;
  changes = new EventSource("/preview/changes");
  changes.onmessage = (event) => { if (event.data !== version) location.reload(); };
}
document.addEventListener("visibilitychange", watch);
window.addEventListener("pageshow", watch);

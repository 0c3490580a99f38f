// Keeps what is marked `data-live` as the server says it is. Pages read the same without this file.
"use strict";
(() => {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const every = Math.max(2, Number(live.dataset.live) || 10) * 1000;
  let wait = every;
  const busy = () => live.contains(document.activeElement) && document.activeElement.matches("input, select");
  const look = async () => {
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (!fresh) throw new Error("nothing to show");
      // What was typed and where somebody stands must not be lost: only what differs is replaced.
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const old = live.querySelector(`[data-part="${part.dataset.part}"]`);
        if (old && !old.isEqualNode(part) && !old.contains(document.activeElement)) old.replaceWith(part);
      }
      document.title = page.title;
      wait = every;
    } catch {
      wait = Math.min(wait * 2, 120000);
    }
  };
  const again = () => setTimeout(async () => { await look(); again(); }, wait);
  again();
  document.addEventListener("visibilitychange", look);
})();

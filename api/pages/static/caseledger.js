/* What a page of the present tells while it is read. Without it nothing is lost: the page says the same when it is
   opened again. Times to come are marked <time data-due="2026-03-04T08:00:00Z">. */
"use strict";

(() => {
  const live = document.getElementById("live");
  const look = document.querySelector("[data-look]");
  if (!live || !look) return;

  const HIDDEN_MS = 60_000, TICK_MS = 30_000, MINUTE = 60, HOUR = 3600, DAY = 86400;
  const ahead = Date.parse(live.dataset.now) - Date.now();
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

  const inWords = (seconds) => {
    const size = Math.abs(seconds);
    if (size >= 2 * DAY) return relative.format(Math.trunc(seconds / DAY), "day");
    if (size >= 2 * HOUR) return relative.format(Math.trunc(seconds / HOUR), "hour");
    return relative.format(Math.trunc(seconds / MINUTE), "minute");
  };

  const countDown = () => {
    for (const time of document.querySelectorAll("time[data-due]")) {
      const due = Date.parse(time.dataset.due);
      if (Number.isNaN(due)) continue;
      let left = time.nextElementSibling;
      if (!left || !left.classList.contains("left")) {
        left = document.createElement("span");
        left.className = "left";
        time.after(left);
      }
      const text = inWords((due - Date.now() - ahead) / 1000);
      if (left.textContent !== text) left.textContent = text;
    }
  };

  let source = null, timer = null, place = look.dataset.look, count = 0;

  const tell = () => {
    const line = document.createElement("p");
    line.append(count === 1 ? live.dataset.one : live.dataset.many.replace("#", String(count)));
    if (!document.querySelector("form[method=post]")) {
      const show = document.createElement("a");
      show.href = location.pathname + location.search;
      show.textContent = live.dataset.show;
      line.append(" – ", show);
    }
    live.replaceChildren(line);
  };

  const hear = (event) => {
    place = event.lastEventId || place;
    const more = Number(event.data);
    if (!(more > 0)) return;
    count += more;
    tell();
  };

  const open = () => {
    clearTimeout(timer);
    if (source && source.readyState !== EventSource.CLOSED) return;
    const address = new URL(live.dataset.source, location.href);
    address.searchParams.set("efter", place);
    source = new EventSource(address);
    source.onmessage = hear;
  };

  const close = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  };

  const seen = () => {
    if (document.visibilityState === "visible") open();
    else timer = setTimeout(close, HIDDEN_MS);
  };

  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", close);
  addEventListener("pageshow", seen);
  setInterval(countDown, TICK_MS);
  countDown();
})();

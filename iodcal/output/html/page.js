"use strict";
{
  const find = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const picture = find("#picture");

  // The picture opens at now: a sixth of it shows what was.
  const showNow = () => {
    const names = find(".lane .name", picture).offsetWidth;
    const room = (picture.clientWidth - names) / 6;
    picture.scrollLeft = find(".backdrop .now", picture).offsetLeft - room;
    for (const week of all(".weeks .scroll")) {
      const today = find(".weekday:has(.now)", week);
      if (today) week.scrollLeft = today.offsetLeft - find(".hours", week).offsetWidth;
    }
  };

  // A link into a tab opens it by page.css; what it leads to may have to be unfolded.
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.closest("details")) target.closest("details").open = true;
    const costs = find("#costs").getClientRects().length > 0;
    for (const link of all(".tabs a")) {
      if ((link.hash === "#costs") === costs) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    showNow();
    if (target) target.scrollIntoView();
  };

  // Lanes by site or label: headings and lanes move, so that they are read in the order in which they are seen.
  const shown = all("#picture h3, #picture [data-groups]");
  const lanes = shown.filter((node) => node.dataset.groups);
  const group = (key) => {
    for (const heading of all("#picture h3")) heading.remove();
    if (!key) return find(".picture").append(...shown);
    const groups = Map.groupBy(lanes, (lane) => JSON.parse(lane.dataset.groups)[key] || "");
    for (const [name, members] of [...groups].sort(([a], [b]) => (a ? (b ? a.localeCompare(b) : -1) : 1))) {
      const [heading, text, count] = ["h3", "span", "small"].map((tag) => document.createElement(tag));
      count.textContent = members.length === 1 ? "1 circuit" : `${members.length} circuits`;
      text.append(name ? `${key}: ${name} ` : `without ${key} `, count);
      heading.append(text);
      find(".picture").append(heading, ...members);
    }
  };

  // Nobody writes this page any more where the timer is dead: then it says by itself that it is old.
  const age = () => {
    const run = Date.parse(document.body.dataset.run);
    const minutes = Math.floor((Date.now() - run) / 60000);
    if (!(minutes * 60 > 3 * document.body.dataset.every)) return;
    const hours = Math.floor(minutes / 60);
    const text = minutes < 120 ? `${minutes} min` : hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
    const told = `Old data: the last run on this page was ${text} ago. Reload it; if that does not help, look at the timer.`;
    const banner = find("#stale");
    if (banner.textContent !== told) banner.textContent = told;
    banner.hidden = false;
    document.body.classList.add("stale");
  };

  const folded = [];
  addEventListener("beforeprint", () => {
    folded.push(...all("details:not([open])"));
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded.splice(0)) part.open = false;
  });
  for (const choice of all("fieldset[hidden]")) choice.hidden = false;
  for (const input of all("[name=view], #compact")) input.addEventListener("change", showNow);
  for (const input of all("[name=group]")) input.addEventListener("change", () => group(input.value));
  age();
  setInterval(age, 30000);
  addEventListener("hashchange", follow);
  follow();
}

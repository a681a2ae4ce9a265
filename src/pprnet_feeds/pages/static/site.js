"use strict";
// What the pages do without this file, they do with it more quickly: an address
// is copied with one click, and on the subscribe page it is built as you choose.
// Texts are only ever set as text, never as HTML.

(() => {
  const say = (place, text) => {
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  const copy = async (field) => {
    try {
      await navigator.clipboard.writeText(field.value || field.textContent);
      return true;
    } catch {
      field.focus();
      if (field.select) field.select();
      else getSelection().selectAllChildren(field);
      return document.execCommand("copy");
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    const card = button.closest("section");
    const field = card.querySelector("textarea, .reference");
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(field);
      say(card.querySelector(".said"), done
        ? `Copied.${card.matches(".address") ? " Paste it into your feed reader." : ""}`
        : "The address is marked: copy it with your keyboard or menu.");
    });
  }
  for (const field of document.querySelectorAll("textarea[readonly]")) {
    field.addEventListener("focus", () => field.select());
  }

  const form = document.getElementById("picker");
  if (!form) return;

  const base = form.dataset.base;
  const root = new URL(base).pathname.replace(/\/$/, "");
  const most = Number(form.dataset.most);
  const card = document.getElementById("feed-atom");
  const field = card.querySelector("textarea");
  const found = document.getElementById("found");
  const what = card.querySelector(".what");
  const how = card.querySelector(".how");
  const button = form.querySelector("button[type=submit]");
  let asked = 0;

  const label = (input) => input.closest("label").textContent.trim().replace(/ \(\d+\)$/, "");
  const checked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)];
  const posts = (number) => `${number} post${number === 1 ? "" : "s"}`;

  const read = () => {
    const topics = checked("topic").sort((a, b) => (a.value < b.value ? -1 : 1));
    const every = checked("match")[0].value === "all" && topics.length > 1;
    const research = checked("research").find((input) => input.value);
    const slugs = topics.map((input) => input.value);
    return {
      topics, research, every,
      view: checked("view")[0],
      format: checked("format")[0],
      folder: (slugs.length ? `topics/${slugs.join(every ? "+" : ",")}/` : "")
        + (research ? `research/${research.value}/` : ""),
      opml: slugs.length ? `?${slugs.map((slug) => `topic=${slug}`).join("&")}` : "",
    };
  };

  // How many posts a choice holds, where the page itself knows; otherwise what its newest document says.
  const known = ({ topics, research, view }) => {
    if (view.value === "practice" || (topics.length && research) || topics.length > 1) return null;
    return Number((topics[0] || research || form).dataset.posts);
  };

  const tell = async (choice) => {
    const mine = ++asked;
    const view = choice.view.value === "practice" ? "practice" : "summary";
    try {
      const answer = await fetch(`${root}/${choice.folder}${view}.json`);
      const feed = await answer.json();
      if (mine !== asked) return;
      const items = feed.items;
      const count = known(choice) ?? items.length;
      const more = known(choice) === null && !feed._feed.complete ? "More than " : "";
      button.textContent = `Get the address (${more.toLowerCase()}${posts(count)})`;
      const newest = items.reduce((a, b) => (a && a.date_published >= b.date_published ? a : b), null);
      found.textContent = newest
        ? `${more}${posts(count)}. Newest: ${newest.title}`
        : "No posts yet. Subscribe all the same: the first one will come to you.";
    } catch {
      if (mine === asked) found.textContent = "";
    }
  };

  const show = () => {
    const choice = read();
    const many = choice.topics.length > most;
    card.hidden = many;
    document.getElementById("opml").href = `${base}/feeds.opml${choice.opml}`;
    const see = document.getElementById("see");
    see.href = `${root}/${choice.folder || "archive/"}`;
    see.hidden = many;
    if (many) {
      asked += 1;
      button.textContent = "Get the addresses";
      found.textContent = `One feed combines ${most} topics at most, and you chose ${choice.topics.length}. `
        + "Choose fewer, or take each topic as a feed of its own: the OPML file below holds them all.";
      return;
    }
    const address = `${base}/${choice.folder}${choice.view.value}.${choice.format.value}`;
    field.value = address;
    const names = choice.topics.map(label).join(choice.every ? " + " : " or ");
    what.textContent = [names || (choice.research ? "" : "Every post"), choice.research ? label(choice.research) : ""]
      .filter(Boolean).join(", ");
    how.textContent = label(choice.view).toLowerCase() + (choice.format.value === "rss" ? ", as RSS" : "");
    card.querySelector(".said").textContent = "";
    for (const link of card.querySelectorAll("a[data-pattern]")) {
      link.href = link.dataset.pattern.replace("{enc}", encodeURIComponent(address)).replace("{url}", address);
    }
    tell(choice);
  };

  form.classList.add("live");
  document.getElementById("chosen-links").hidden = false;
  // The address bar names the card of a choice that was made without this script: it is taken over.
  const named = location.hash.slice(1).split("-");
  for (const [place, name] of ["view", "format"].entries()) {
    const input = [...form.elements[name]].find((one) => one.value === named[place]);
    if (input) input.checked = true;
  }
  // That card would hide the one that is kept current.
  for (const other of document.querySelectorAll("#result .address:not(#feed-atom)")) other.remove();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.getElementById("result-name").focus();
  });
  form.addEventListener("change", show);
  window.addEventListener("pageshow", show);
})();

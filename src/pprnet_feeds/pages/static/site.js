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
        : "It is selected: copy it with your keyboard or menu.");
    });
  }
  for (const field of document.querySelectorAll("textarea[readonly]")) {
    field.addEventListener("focus", () => field.select());
  }

  // Not every browser lets the keyboard scroll what has no stop for it.
  for (const wide of document.querySelectorAll("main table, main pre")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }

  const form = document.getElementById("picker");
  if (!form) return;

  const by = (id) => document.getElementById(id);
  const base = form.dataset.base;
  const root = new URL(base).pathname.replace(/\/$/, "");
  const most = Number(form.dataset.most);
  const card = by("feed-atom");
  const field = card.querySelector("textarea");
  const bar = by("bar");
  const button = form.querySelector("button[type=submit]");
  const inputs = [...form.querySelectorAll("input[name]")];
  let asked = 0;

  const label = (input) => input.closest("label").textContent.trim().replace(/ \([^()]*\)$/, "");
  const checked = (name) => inputs.filter((input) => input.name === name && input.checked);
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

  const report = async (choice) => {
    const mine = ++asked;
    const view = choice.view.value === "practice" ? "practice" : "summary";
    try {
      const answer = await fetch(`${root}/${choice.folder}${view}.json`);
      if (mine !== asked) return;
      // Files have no feed of a combination; some hosts of files say 403 where there is nothing.
      if (answer.status === 403 || answer.status === 404) {
        card.hidden = by("see").hidden = by("bar-copy").hidden = true;
        by("count").textContent = "";
        by("found").textContent = "There is no such feed here. Choose one topic, or one type of research.";
        return;
      }
      const feed = await answer.json();
      if (mine !== asked) return;
      const items = feed.items;
      const count = known(choice) ?? items.length;
      const more = known(choice) === null && !feed._feed.complete ? "More than " : "";
      button.textContent = `Get the address (${more.toLowerCase()}${posts(count)})`;
      by("count").textContent = `${more}${posts(count)} so far.`;
      const newest = items.reduce((a, b) => (a && a.date_published >= b.date_published ? a : b), null);
      by("found").textContent = newest
        ? `${more}${posts(count)}. Newest: ${newest.title}`
        : "No posts yet. Subscribe all the same: the first one will come to you.";
    } catch {
      if (mine === asked) by("found").textContent = "";
    }
  };

  // The choice is in the part of the address that no server sees: which topic somebody reads about is private.
  const remember = () => {
    const chosen = inputs.filter((input) => input.checked && !input.defaultChecked);
    const query = new URLSearchParams(chosen.map((input) => [input.name, input.value])).toString();
    const now = location.hash.includes("=") ? location.hash.slice(1) : "";
    if (query !== now) {
      history.replaceState(null, "", query ? `#${query}` : location.pathname + location.search);
    }
  };

  const recall = () => {
    const hash = location.hash.slice(1);
    // A choice that was made without this script names its card, such as #practice-rss.
    const [view, format] = hash.includes("=") ? [] : hash.split("-");
    const chosen = new URLSearchParams(format ? { view, format } : hash);
    for (const input of inputs) {
      const values = chosen.getAll(input.name);
      const offered = values.some((value) => inputs.some((one) => one.name === input.name && one.value === value));
      if (offered) input.checked = values.includes(input.value);
      else if (hash.includes("=")) input.checked = input.defaultChecked;
    }
  };

  const show = () => {
    const choice = read();
    const many = choice.topics.length > most;
    const names = choice.topics.map(label).join(choice.every ? " + " : " or ");
    const what = [names || (choice.research ? "" : "Every post"), choice.research ? label(choice.research) : ""]
      .filter(Boolean).join(", ");
    const how = label(choice.view).toLowerCase() + (choice.format.value === "rss" ? ", as RSS" : "");
    card.hidden = many;
    by("opml").href = `${base}/feeds.opml${choice.opml}`;
    by("opml").hidden = choice.topics.length < 2;
    by("see").href = `${root}/${choice.folder || "archive/"}`;
    by("see").hidden = by("bar-copy").hidden = many;
    by("bar-what").textContent = `${what}, ${how}`;
    by("bar-said").textContent = card.querySelector(".said").textContent = "";
    if (many) {
      asked += 1;
      button.textContent = "Get the addresses";
      by("found").textContent = `One feed combines ${most} topics at most, and you chose ${choice.topics.length}. `
        + "Choose fewer, or take each topic as a feed of its own: the OPML file holds them all.";
      return;
    }
    const address = `${base}/${choice.folder}${choice.view.value}.${choice.format.value}`;
    field.value = address;
    card.querySelector(".what").textContent = what;
    card.querySelector(".how").textContent = how;
    for (const link of card.querySelectorAll("a[data-pattern]")) {
      link.href = link.dataset.pattern.replace("{enc}", encodeURIComponent(address)).replace("{url}", address);
    }
    report(choice);
  };

  // The bar follows what was chosen last, so that Copy is the next stop of the keyboard.
  const follow = (input) => {
    (input.closest("li") || input.closest("fieldset")).append(bar);
    bar.hidden = false;
    document.documentElement.classList.add("chosen");
  };

  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const filter = () => {
    const wanted = plain(by("filter").value).split(/\s+/);
    let left = 0;
    for (const input of inputs.filter((one) => one.name === "topic")) {
      const name = plain(label(input));
      const fits = wanted.every((word) => name.includes(word));
      input.closest("li").hidden = !fits && !input.checked;
      left += fits;
    }
    const folded = form.querySelector("details");
    if (folded && wanted[0]) folded.open = true;
    by("none").textContent = left ? "" : "No topic has such a name. The search box above finds words in the posts.";
  };

  recall();
  form.classList.add("live");
  by("filtering").hidden = false;
  by("filter").addEventListener("input", filter);
  by("filter").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  by("bar-copy").addEventListener("click", async () => {
    say(by("bar-said"), await copy(field)
      ? "Copied. Paste it into your feed reader."
      : "It is selected: copy it with your keyboard or menu.");
  });
  // The card of another view would hide the one that is kept current.
  for (const other of document.querySelectorAll("#result .address:not(#feed-atom)")) other.remove();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    by("result-name").focus();
  });
  form.addEventListener("change", (event) => {
    if (!event.target.name) return;
    follow(event.target);
    remember();
    show();
  });
  const restore = () => {
    recall();
    const chosen = inputs.filter((input) => input.checked && !input.defaultChecked);
    for (const input of chosen) {
      const folded = input.closest("details");
      if (folded) folded.open = true;
    }
    if (chosen.length && location.hash.includes("=")) follow(chosen.find((one) => one.name === "topic") || chosen[0]);
    show();
  };
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) restore(); });
  window.addEventListener("pageshow", restore);
})();

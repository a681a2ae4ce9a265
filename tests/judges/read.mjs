// Read each file with each program of npm, and print what it makes of it: {program: {file: items}}.
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { parseFeed as rowanmanning } from "@rowanmanning/feed-parser";
import FeedParser from "feedparser";
import { parseFeed as feedsmith } from "feedsmith";
import RssParser from "rss-parser";

const list = (value) => (value == null ? [] : Array.isArray(value) ? value : [value]);

const programs = {
  "rss-parser (npm)": async (text) => (await new RssParser().parseString(text)).items.map((item) => ({
    title: item.title, published: item.isoDate, updated: item.updated, authors: list(item.creator ?? item.author),
    categories: list(item.categories), text: item["content:encoded"] ?? item.content,
    picture: item.enclosure?.url, id: item.guid ?? item.id, link: item.link,
  })),
  "feedparser (npm)": (text) => new Promise((resolve, reject) => {
    const items = [];
    const parser = new FeedParser();
    parser.on("error", reject).on("end", () => resolve(items)).on("data", (item) => items.push({
      title: item.title, published: item.pubdate, updated: item.date, authors: list(item.author),
      categories: item.categories, text: item.description, picture: item.image?.url, id: item.guid, link: item.link,
    }));
    Readable.from([text]).pipe(parser);
  }),
  feedsmith: (text) => {
    const { format, feed } = feedsmith(text);
    return (feed.items ?? feed.entries ?? []).map((item) => ({
      title: item.title?.value ?? item.title,
      published: item.published ?? item.pubDate ?? item.date_published,
      updated: item.updated ?? item.atom?.updated ?? item.date_modified,
      authors: format === "rss" ? list(item.dc?.creators ?? item.dc?.creator) : list(item.authors).map((one) => one.name),
      categories: item.tags ?? list(item.categories).map((one) => one.label ?? one.name),
      text: item.content?.encoded ?? item.content?.value ?? item.content_html ?? item.content,
      picture: item.image ?? item.media?.contents?.[0]?.url,
      id: item.guid?.value ?? item.id,
      link: item.link ?? item.url ?? item.links?.find((link) => link.rel === "alternate")?.href,
    }));
  },
  "@rowanmanning/feed-parser": (text) => rowanmanning(text).items.map((item) => ({
    title: item.title, published: item.published, updated: item.updated, authors: item.authors.map((one) => one.name),
    categories: item.categories.map((one) => one.label), text: item.content, picture: item.image?.url ?? item.media?.[0]?.url,
    id: item.id, link: item.url,
  })),
};

const found = {};
for (const [name, read] of Object.entries(programs)) {
  found[name] = {};
  for (const file of process.argv.slice(2)) {
    try {
      found[name][file] = await read(readFileSync(file, "utf8"));
    } catch (error) {
      found[name][file] = String(error);
    }
  }
}
process.stdout.write(JSON.stringify(found));

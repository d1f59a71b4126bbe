// The phones. Texts of people only ever become text nodes, never markup.
import { $, drawing, make } from "./dom.js";
import { base64, clear, follow, get, post } from "./network.js";
import { words } from "./words.js";

// An app is a tab of every phone: the channel whose messages it shows. One more channel is one more line.
const APPS = [
  { channel: "sms", name: "sms" },
  { channel: "whatsapp", name: "whatsapp" },
  { channel: "messenger", name: "messenger" },
  { channel: "instagram", name: "instagram" },
  { channel: "telegram", name: "telegram" },
  { channel: "line", name: "line" },
  { channel: "slack", name: "slack" },
];
const FAULTS = [
  ["duplicate", { where: "webhook", do: "duplicate", copies: 2 }],
  ["parallel", { where: "webhook", do: "parallel", copies: 50 }],
  ["reorder", { where: "webhook", do: "reorder", seconds: 4 }],
  ["late", { where: "webhook", do: "late", seconds: 4 }],
  ["poison", { where: "webhook", do: "poison" }],
  ["tamper", { where: "webhook", do: "tamper" }],
  ["refuse", { where: "send", do: "refuse", status: 503 }],
  ["tooMany", { where: "send", do: "refuse", status: 429, retry_after: 5 }],
  ["lose", { where: "send", do: "fail_later", code: 30007 }],
  ["reverse", { where: "status", do: "reverse" }],
];
const MOST_BYTES = 5 * 1024 * 1024;
const MOST_PICTURES = 10;
const MOST_OTHERS = 30; // phones that are not of the cast: the last ones that something happened to
const FIGURES_EVERY = 3000; // milliseconds
const TICKS = { sending: "M10 5v5l3 2M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0", received: "m2 11 4 4 8-9M9 15l9-10" };

const state = {
  language: "en",
  app: APPS[0],
  served: ["sms"], // the channels that the simulator plays
  firm: "",
  numbers: [],
  customers: [],
  others: JSON.parse(localStorage.getItem("others") ?? "[]"), // numbers that were added by hand
  blocks: [],
  texts: new Map(), // sid → text
  chosen: "", // a customer's number
  chosenFirm: new Map(), // customer → the firm's number that they write to
  seen: new Map(), // channel and customer → highest id that was looked at
  drafts: new Map(), // customer → { text, pictures }
  pictures: [],
  menus: {}, // channel → what can go wrong there
};
const say = () => words[state.language];

const initials = (name) =>
  name.startsWith("+")
    ? name.slice(-2)
    : name
        .split(/\s+/)
        .slice(0, 2)
        .map((part) => part[0])
        .join("");

/** Every phone: the cast, the numbers that were added, and whoever else wrote or was written to. */
function people() {
  const known = new Set(state.customers.map((person) => person.number));
  const others = new Set(state.others.filter((number) => !known.has(number)));
  for (const text of [...state.texts.values()].sort((a, b) => b.changed - a.changed)) {
    if (others.size >= MOST_OTHERS) break;
    if (!known.has(text.customer)) others.add(text.customer);
  }
  const strangers = [...others].map((number) => ({
    number,
    display: number,
    name: number,
    place: say().somebody,
    country: "",
    language: number.startsWith("+34") ? "es" : state.language,
  }));
  return [...state.customers, ...strangers];
}

const customer = (number) => people().find((person) => person.number === number);
const blockedOf = (number) => state.blocks.filter((each) => each.customer === number).map((each) => each.sender);
const firmNumber = (number) => state.numbers.find((each) => each.number === number);

function toneOf(number) {
  let sum = 0;
  for (const digit of number) sum += digit.charCodeAt(0);
  return `tone-${sum % 6}`;
}

/** What a phone shows: its own texts, and those of the firm that have reached it or were lost on the way. */
const isShown = (text) =>
  state.served.includes(text.channel) &&
  (text.direction === "inbound" || ["sent", "delivered", "read", "undelivered", "failed"].includes(text.status));
const allOf = (number) =>
  [...state.texts.values()].filter((text) => text.customer === number && isShown(text)).sort((a, b) => a.id - b.id);
const textsOf = (number, channel = state.app.channel) => allOf(number).filter((text) => text.channel === channel);
const firmOf = (text) => (text.direction === "inbound" ? text.to : text.from);
/** A firm has several numbers, and one name in each other app. */
const isWithFirm = (text) => state.app.channel !== "sms" || firmOf(text) === state.firm;

function firmFor(person) {
  const chosen = state.chosenFirm.get(person.number);
  if (chosen && firmNumber(chosen)) return chosen;
  const last = textsOf(person.number).at(-1);
  if (last && firmNumber(firmOf(last))) return firmOf(last);
  const near = state.numbers.find((each) => each.country === person.country);
  const sameTongue = state.numbers.find((each) => (each.country === "ES") === (person.language === "es"));
  return (near ?? sameTongue ?? state.numbers[0])?.number ?? "";
}

// --- words ---

function speak(language) {
  state.language = language;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say()[element.dataset.word];
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say()[element.dataset.label]);
    if (element.matches("button")) element.title = say()[element.dataset.label];
  }
  for (const element of document.querySelectorAll("[data-placeholder]"))
    element.placeholder = say()[element.dataset.placeholder];
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  $("trouble").textContent = say().away;
  drawApps();
  drawFaults();
  drawPeople();
  drawPhone(true);
  drawFigures();
}

function firstLanguage() {
  const kept = new URLSearchParams(location.search).get("language") ?? localStorage.getItem("language");
  const wanted = [kept, ...navigator.languages].filter(Boolean).map((language) => language.slice(0, 2));
  return wanted.find((language) => language in words) ?? "en";
}

/** The reader's own country's way to write times, where they read this language. */
const locale = () => navigator.languages.find((tag) => tag.startsWith(state.language)) ?? state.language;
const clock = (at) => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(at);

function day(at) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days = Math.round((midnight - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return say().today;
  if (days === 1) return say().yesterday;
  return new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long" }).format(at);
}

// --- the list of phones ---

const seenOf = (number, channel) => state.seen.get(`${channel} ${number}`) ?? 0;
const isNews = (text) => text.direction !== "inbound" && text.id > seenOf(text.customer, text.channel);
const unreadOf = (number) => allOf(number).filter(isNews).length;

function drawPeople() {
  const list = $("people");
  const focused = document.activeElement?.closest?.("#people button")?.dataset.number;
  let news = 0;
  list.replaceChildren(
    ...people().map((person) => {
      const last = allOf(person.number).at(-1);
      const unread = unreadOf(person.number);
      news += unread;
      const line = last ? last.body || say().pictureSent : say().nothingYet;
      const snippet = last?.direction === "inbound" ? `${say().you}: ${line}` : line;
      return make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            "data-number": person.number,
            "aria-current": person.number === state.chosen ? "true" : undefined,
            onclick: () => choose(person.number, true),
          },
          make("span", { class: `avatar ${toneOf(person.number)}`, "aria-hidden": "true" }, initials(person.name)),
          make(
            "span",
            { class: "who" },
            make("strong", {}, person.name),
            make("span", { class: "place" }, person.country ? `${person.place} · ${person.country}` : person.place),
            make("span", { class: last ? "snippet" : "snippet faint", dir: "auto" }, snippet),
          ),
          make(
            "span",
            { class: "marks" },
            last ? make("time", { datetime: last.at }, clock(new Date(last.at))) : "",
            unread ? make("span", { class: "unread" }, say().unread(unread)) : "",
            blockedOf(person.number).length ? make("span", { class: "halted" }, say().stoppedShort) : "",
          ),
        ),
      );
    }),
  );
  if (focused) list.querySelector(`[data-number="${CSS.escape(focused)}"]`)?.focus();
  document.title = (news ? `(${news}) ` : "") + say().title;
}

// --- one phone ---

function choose(number, byHand) {
  if (state.chosen) state.drafts.set(state.chosen, { text: $("text").value, pictures: state.pictures });
  state.chosen = number;
  const draft = state.drafts.get(number) ?? { text: "", pictures: [] };
  $("text").value = draft.text;
  state.pictures = draft.pictures;
  refuse("");
  drawPictures();
  growText();
  markSeen();
  drawPeople();
  drawPhone(true);
  if (!byHand) return;
  document.body.dataset.view = "phone";
  growText(); // it had no height while it was not shown
  drawThread(true);
  history.replaceState(null, "", `#${number}`);
  (matchMedia("(pointer: coarse), (max-width: 720px)").matches ? $("owner") : $("text")).focus();
}

function markSeen() {
  const last = textsOf(state.chosen).at(-1);
  if (last && !document.hidden) state.seen.set(`${last.channel} ${last.customer}`, last.id);
  drawApps();
}

function drawPhone(anew) {
  const person = customer(state.chosen);
  if (!person) return;
  $("owner").textContent = person.name;
  $("owner-number").textContent = person.display === person.name ? "" : person.display;
  $("owner-avatar").textContent = initials(person.name);
  $("owner-avatar").className = `avatar ${toneOf(person.number)}`;
  state.firm = firmFor(person);
  $("firm").replaceChildren(
    ...state.numbers.map((each) =>
      make("option", { value: each.number, selected: each.number === state.firm }, `${each.name} · ${each.display}`),
    ),
  );
  $("firm").parentElement.hidden = state.app.channel !== "sms";
  const blocking = firmNumber(state.firm);
  const senders = [blocking?.number, blocking?.messaging_service_sid];
  const stopped = blocking && blockedOf(person.number).some((sender) => senders.includes(sender));
  $("stopped").hidden = !stopped;
  $("stopped").textContent = stopped ? say().stopped : "";
  drawThread(anew);
}

function drawThread(anew) {
  const person = customer(state.chosen);
  const thread = $("thread");
  const scroller = $("scroller");
  const atEnd = anew || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  const texts = textsOf(state.chosen).filter(isWithFirm);
  if (anew) thread.replaceChildren(); // so that a screen reader is told only what is new
  const kept = new Map([...thread.children].map((item) => [item.dataset.key, item]));
  let last = "";
  let place = thread.firstChild;
  const put = (key, changed, draw) => {
    let item = kept.get(key);
    kept.delete(key);
    if (item && item.dataset.changed !== String(changed)) {
      const fresh = draw();
      if (item.childElementCount === fresh.childElementCount) {
        // Only its state: a screen reader must not read the whole message again.
        item.className = fresh.className;
        item.lastElementChild.replaceWith(fresh.lastElementChild);
      } else {
        if (item === place) place = fresh;
        item.replaceWith(fresh);
        item = fresh;
      }
    } else if (!item) {
      item = draw();
      thread.insertBefore(item, place);
    }
    item.dataset.key = key;
    item.dataset.changed = String(changed);
    if (item === place) place = item.nextSibling;
  };
  for (const text of texts) {
    const at = new Date(text.at);
    if (day(at) !== last) {
      last = day(at);
      const shown = last;
      put(`day ${at.toDateString()}`, last, () => make("li", { class: "day" }, make("span", {}, shown)));
    }
    put(text.sid, text.changed, () => bubble(text));
  }
  for (const gone of kept.values()) gone.remove();
  $("blank").hidden = texts.length > 0 || !state.firm;
  $("suggestions").replaceChildren(
    ...say().suggestions[person.language].map((line) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            lang: person.language,
            onclick: () => {
              $("text").value = line;
              growText();
              $("text").focus();
            },
          },
          line,
        ),
      ),
    ),
  );
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
}

function bubble(text) {
  const mine = text.direction === "inbound";
  const lost = !mine && ["undelivered", "failed"].includes(text.status);
  const failed = mine && text.status === "failed";
  const foot = [make("time", { datetime: text.at }, clock(new Date(text.at)))];
  if (text.segments > 1) foot.push(make("span", {}, say().parts(text.segments)));
  if (text.origin === "provider") foot.push(make("span", {}, say().automatic));
  if (lost) foot.push(make("span", { class: "wrong" }, say().lost(text.error_code)));
  if (failed) {
    foot.push(make("span", { class: "wrong" }, say().failed));
    foot.push(make("button", { type: "button", class: "link", onclick: () => sendAgain(text) }, say().again));
  }
  if (mine && !failed) {
    const known = text.status === "received" ? "received" : "sending";
    foot.push(
      make("span", { class: `tick ${known}`, title: say()[known] }, drawing(TICKS[known]), make("span", { class: "hidden" }, say()[known])),
    );
  }
  const pictures = text.media.map((file) => {
    if (!file.media_type.startsWith("image/")) return make("a", { href: file.url, download: file.name }, file.name);
    const image = make("img", { src: file.url, alt: file.name, loading: "lazy" });
    image.addEventListener("load", () => {
      const scroller = $("scroller");
      if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < image.height + 120)
        scroller.scrollTop = scroller.scrollHeight;
    });
    return make("a", { href: file.url, target: "_blank", rel: "noreferrer" }, image);
  });
  const author = mine ? say().you : (firmNumber(text.from)?.name ?? text.from);
  return make(
    "li",
    { class: `${mine ? "mine" : "theirs"}${lost ? " lost" : ""}${failed ? " unsent" : ""}${text.origin === "provider" ? " automatic" : ""}` },
    make("span", { class: "hidden" }, `${say().from(author)}: `),
    ...pictures,
    text.body ? make("p", { dir: "auto" }, text.body) : "",
    text.choices.length
      ? make("span", { class: "choices" }, ...text.choices.map((title, choice) => make("button", { type: "button", onclick: () => press(text, choice) }, title)))
      : "",
    make("footer", { "aria-live": "off" }, ...foot),
  );
}

// --- writing ---

function growText() {
  const box = $("text");
  box.style.height = "auto";
  if (box.scrollHeight) box.style.height = `${Math.min(box.scrollHeight + 2, 140)}px`;
}

function refuse(reason) {
  $("refused").hidden = !reason;
  $("refused").textContent = reason;
}

function addPictures(files) {
  refuse("");
  for (const file of files) {
    if (!file.type.startsWith("image/")) refuse(say().noPicture(file.name));
    else if (file.size > MOST_BYTES) refuse(say().tooLarge(file.name));
    else if (state.pictures.length === MOST_PICTURES) refuse(say().tooMany);
    else state.pictures = [...state.pictures, { file, url: URL.createObjectURL(file) }];
  }
  drawPictures();
}

function drawPictures() {
  $("pictures").hidden = !state.pictures.length;
  $("pictures").replaceChildren(
    ...state.pictures.map((picture) =>
      make(
        "li",
        {},
        make("img", { src: picture.url, alt: picture.file.name }),
        make(
          "button",
          {
            type: "button",
            "aria-label": say().remove(picture.file.name),
            onclick: () => {
              state.pictures = state.pictures.filter((each) => each !== picture);
              drawPictures();
              $("text").focus();
            },
          },
          drawing("m5 5 10 10M15 5 5 15"),
        ),
      ),
    ),
  );
}

async function send() {
  $("announcement").textContent = "";
  const body = $("text").value.trim();
  const pictures = state.pictures;
  if ((!body && !pictures.length) || (!state.firm && state.app.channel === "sms")) return;
  const from = state.chosen;
  $("text").value = "";
  state.pictures = [];
  refuse("");
  drawPictures();
  growText();
  try {
    const media = await Promise.all(
      pictures.map(async ({ file }) => ({
        content_base64: await base64(file),
        media_type: file.type,
        name: file.name,
      })),
    );
    const { channel } = state.app;
    await post("/control/texts", { channel, from, to: state.firm, body, media, wait: false });
    for (const { url } of pictures) URL.revokeObjectURL(url);
  } catch (error) {
    // Nothing that somebody wrote is lost because this could not be reached.
    if (state.chosen === from) {
      $("text").value = body;
      state.pictures = pictures;
      drawPictures();
      growText();
    } else state.drafts.set(from, { text: body, pictures });
    refuse(error instanceof TypeError ? say().away : `${say().refused} ${error.field ?? ""} ${error.message}`);
  }
}

async function press(text, choice) {
  try {
    await post("/control/presses", { channel: text.channel, from: text.customer, sid: text.sid, choice });
  } catch {
    refuse(say().away);
  }
}

async function sendAgain(text) {
  try {
    const media = await Promise.all(
      text.media.map(async (file) => ({
        content_base64: await base64(await (await fetch(file.url)).blob()),
        media_type: file.media_type,
        name: file.name,
      })),
    );
    const { channel, from, to, body } = text;
    await post("/control/texts", { channel, from, to, body, media, wait: false });
  } catch {
    refuse(say().away);
  }
}

// --- apps, figures, faults ---

function drawApps() {
  const apps = APPS.filter((app) => state.served.includes(app.channel));
  const focused = document.activeElement?.closest?.("#apps button")?.dataset.app;
  $("apps").hidden = apps.length < 2;
  $("apps").replaceChildren(
    ...apps.map((app) =>
      make(
        "button",
        {
          type: "button",
          role: "tab",
          "data-app": app.channel,
          "aria-selected": String(app === state.app),
          "aria-controls": "scroller",
          onclick: () => {
            state.app = app;
            markSeen();
            drawFaults();
            $("apps").querySelector("[aria-selected=true]").focus();
            drawPeople();
            drawPhone(true);
          },
        },
        say()[app.name],
        ...newsIn(app),
      ),
    ),
  );
  if (focused) $("apps").querySelector(`[data-app="${focused}"]`)?.focus();
}

function newsIn(app) {
  const count = textsOf(state.chosen, app.channel).filter(isNews).length;
  if (!count || app === state.app) return [];
  return [make("span", { class: "unread", "aria-hidden": "true" }, count), make("span", { class: "hidden" }, `, ${say().unread(count)}`)];
}

let summary;
function drawFigures() {
  if (!summary) return;
  const { texts, messages } = summary;
  const count = new Intl.NumberFormat(locale());
  const time = (value) => (value === null ? "–" : `${count.format(Math.round(value))} ms`);
  const rows = [
    ["sent", count.format(texts.sent)],
    ["accepted", count.format(texts.accepted)],
    ["waiting", count.format(texts.waiting)],
    ["failed", count.format(texts.failed), texts.failed > 0],
    ["p50", time(texts.latency_ms.p50)],
    ["p99", time(texts.latency_ms.p99)],
    ["created", count.format(messages.created)],
    ["delivered", count.format(messages.status.delivered ?? 0)],
  ];
  $("figures").replaceChildren(
    ...rows.map(([name, value, wrong]) =>
      make("div", { class: wrong ? "wrong" : undefined }, make("dt", {}, say().figures[name]), make("dd", {}, value)),
    ),
  );
}

function drawFaults() {
  const { channel } = state.app;
  const menu = state.menus[channel] ?? {};
  $("faults").replaceChildren(
    ...FAULTS.filter(([, fault]) => menu[fault.where]?.[fault.do]).map(([name, fault]) =>
      make(
        "li",
        {},
        make(
          "button",
          { type: "button", onclick: () => post("/control/faults", { channel, ...fault }).then(look, () => undefined) },
          say().faults[name],
        ),
      ),
    ),
  );
}

/** The figures, the faults in force and who has stopped whom: what no change of a text tells. */
async function look() {
  try {
    const [figures, faults, numbers] = await Promise.all([
      get("/control/summary"),
      get("/control/faults"),
      get("/control/numbers"),
    ]);
    summary = figures;
    drawFigures();
    if (JSON.stringify(faults.menus) !== JSON.stringify(state.menus)) {
      state.menus = faults.menus;
      drawFaults();
    }
    const count = faults.faults.length;
    $("in-force").textContent = count ? say().inForce(count) : "";
    $("clear").hidden = !count;
    const before = JSON.stringify([state.numbers, state.customers, state.blocks]);
    $("pages").hidden = !numbers.mail;
    const served = ["sms", ...numbers.apps];
    if (served.join() !== state.served.join()) {
      state.served = served;
      drawApps();
    }
    state.numbers = numbers.numbers;
    state.customers = numbers.customers;
    state.blocks = numbers.blocks;
    if (JSON.stringify([state.numbers, state.customers, state.blocks]) === before) return;
    if (!customer(state.chosen)) {
      const wanted = customer(decodeURIComponent(location.hash.slice(1)));
      choose((wanted ?? state.customers[0]).number, Boolean(wanted));
    }
    drawPeople();
    drawPhone(false);
    refuse(state.numbers.length ? "" : say().noNumbers);
  } catch {
    // The long poll says that the simulator is away.
  }
}

// --- begin ---

function changed(texts, first) {
  const keyword = texts.some((text) => text.origin === "provider");
  for (const text of texts) {
    const failed = !first && text.customer === state.chosen && text.direction === "inbound" && text.status === "failed";
    if (failed) $("announcement").textContent = say().failed;
    state.texts.set(text.sid, text);
  }
  if (first)
    // What was there before the page was opened is not news.
    for (const person of people())
      for (const text of allOf(person.number)) state.seen.set(`${text.channel} ${person.number}`, text.id);
  markSeen();
  drawPeople();
  drawPhone(first);
  if (keyword) look();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("text").addEventListener("input", growText);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
$("text").addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) {
    event.preventDefault();
    addPictures(event.clipboardData.files);
  }
});
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  addPictures($("file").files);
  $("file").value = "";
  $("text").focus();
});
$("firm").addEventListener("change", () => {
  state.chosenFirm.set(state.chosen, $("firm").value);
  drawPhone(true);
});
$("back").addEventListener("click", () => {
  document.body.dataset.view = "list";
  $("people").querySelector("[aria-current]")?.focus();
});
function showNetwork(open) {
  document.body.toggleAttribute("data-network", open);
  $("network-button").setAttribute("aria-expanded", String(open));
}
$("network-button").addEventListener("click", () => showNetwork(!document.body.hasAttribute("data-network")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !document.body.hasAttribute("data-network")) return;
  showNetwork(false);
  $("network-button").focus();
});
$("another").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = $("another-number").value.replace(/[\s().-]/g, "").replace(/^00/, "+");
  const right = /^\+[1-9]\d{6,14}$/.test(number);
  $("another-wrong").hidden = right;
  $("another-wrong").textContent = right ? "" : say().notANumber;
  if (!right) return;
  if (!customer(number)) {
    state.others = [number, ...state.others];
    localStorage.setItem("others", JSON.stringify(state.others));
  }
  $("another-number").value = "";
  choose(number, true);
});
// What was at the end stays there when a notice, a picture or the keyboard takes room.
let wasAtEnd = true;
$("scroller").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  wasAtEnd = scrollHeight - scrollTop - clientHeight < 80;
});
new ResizeObserver(() => {
  if (wasAtEnd) $("scroller").scrollTop = $("scroller").scrollHeight;
}).observe($("scroller"));
$("clear").addEventListener("click", () => clear("/control/faults").then(look, () => undefined));
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => {
    localStorage.setItem("language", button.dataset.language);
    speak(button.dataset.language);
  });
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  markSeen();
  drawPeople();
});

speak(firstLanguage());
await look();
setInterval(() => document.hidden || look(), FIGURES_EVERY);
follow("/control/texts", "texts", changed, (reached) => {
  $("trouble").hidden = reached;
});

// The mailboxes. Texts of people only ever become text nodes; a mail's HTML is shown in a frame where nothing runs.
import { $, drawing, make } from "/page/dom.js";
import { base64, clear, follow, get, post } from "/page/network.js";
import { words } from "./words.js";

const FAULTS = [
  ["greylist", { where: "send", do: "greylist" }],
  ["refuse", { where: "send", do: "refuse" }],
  ["acceptThenCut", { where: "send", do: "accept_then_cut" }],
  ["delay", { where: "send", do: "delay", seconds: 5 }],
  ["bounce", { where: "send", do: "bounce", seconds: 2 }],
  ["away", { where: "send", do: "out_of_office", seconds: 2 }],
  ["duplicate", { where: "mail", do: "duplicate", copies: 2 }],
  ["late", { where: "mail", do: "late", seconds: 4 }],
  ["loseAnswer", { where: "mail", do: "lose_answer" }],
  ["withoutReferences", { where: "mail", do: "without_references" }],
];
const MOST_BYTES = 15 * 1024 * 1024;
const MOST_FILES = 10;
const MOST_OTHERS = 30; // mailboxes that are not of the cast: the last ones that something happened to
const FIGURES_EVERY = 3000; // milliseconds
const ADDRESS = /^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;
const CROSS = "m5 5 10 10M15 5 5 15";

const state = {
  language: "en",
  people: [],
  firm: { name: "", address: "" },
  programs: [],
  others: JSON.parse(localStorage.getItem("addresses") ?? "[]"), // addresses that were added by hand
  mails: new Map(), // id → mail
  chosen: "", // a customer's address
  folder: "inbox",
  thread: 0,
  answers: null, // the mail that is being answered
  writing: false,
  seen: new Set(), // ids of mails that were opened
  plain: new Set(), // ids of mails that are shown as text
  files: [],
};
const say = () => words[state.language];

const initials = (name) =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => part[0]?.toUpperCase() ?? "")
    .join("");

/** Every mailbox: the cast, the addresses that were added, and whoever else wrote or was written to. */
function people() {
  const known = new Set(state.people.map((person) => person.address));
  const others = new Set(state.others.filter((address) => !known.has(address)));
  for (const mail of [...state.mails.values()].sort((a, b) => b.id - a.id)) {
    if (others.size >= MOST_OTHERS) break;
    if (!known.has(mail.customer)) others.add(mail.customer);
  }
  const strangers = [...others].map((address) => {
    const written = [...state.mails.values()].find((mail) => mail.customer === address && mail.origin === "customer");
    return {
      address,
      name: written?.name || address.split("@")[0],
      place: say().somebody,
      language: state.language,
      program: "gmail",
    };
  });
  return [...state.people, ...strangers];
}

const person = (address) => people().find((each) => each.address === address);
const mailsOf = (address) =>
  [...state.mails.values()].filter((mail) => mail.customer === address).sort((a, b) => a.id - b.id);
const isMine = (mail) => mail.origin === "customer" || mail.kind === "out_of_office";
/** A report of a mail that did not arrive goes from the server to the firm: its customer never sees it. */
const inFolder = (mail, folder) =>
  mail.kind !== "bounce" && (folder === "outbox" ? isMine(mail) : !isMine(mail) && mail.status === "received");
const isFresh = (mail) => inFolder(mail, "inbox") && !state.seen.has(mail.id);

function toneOf(text) {
  let sum = 0;
  for (const character of text) sum += character.charCodeAt(0);
  return `tone-${sum % 6}`;
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
  const chosen = $("program").value;
  $("program").replaceChildren(
    ...state.programs.map((each) => make("option", { value: each, selected: each === chosen }, say().programs[each])),
  );
  drawFaults();
  draw(true);
  drawFigures();
}

function firstLanguage() {
  const kept = new URLSearchParams(location.search).get("language") ?? localStorage.getItem("language");
  const wanted = [kept, ...navigator.languages].filter(Boolean).map((language) => language.slice(0, 2));
  return wanted.find((language) => language in words) ?? "en";
}

/** The reader's own country's way to write times, where they read this language. */
const locale = () => navigator.languages.find((tag) => tag.startsWith(state.language)) ?? state.language;

function moment(at) {
  const clock = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(at);
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days = Math.round((midnight - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return clock;
  if (days === 1) return `${say().yesterday}, ${clock}`;
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(at);
}

// --- the list of mailboxes ---

function drawPeople() {
  const list = $("people");
  const focused = document.activeElement?.closest?.("#people button")?.dataset.address;
  let news = 0;
  list.replaceChildren(
    ...people().map((each) => {
      const mails = mailsOf(each.address).filter((mail) => inFolder(mail, "inbox") || inFolder(mail, "outbox"));
      const last = mails.at(-1);
      const fresh = mails.filter(isFresh).length;
      news += fresh;
      return make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            "data-address": each.address,
            "aria-current": each.address === state.chosen ? "true" : undefined,
            onclick: () => choose(each.address, true),
          },
          make("span", { class: `avatar ${toneOf(each.address)}`, "aria-hidden": "true" }, initials(each.name)),
          make(
            "span",
            { class: "who" },
            make("strong", {}, each.name),
            make("span", { class: "place" }, each.place),
            make(
              "span",
              { class: last ? "snippet" : "snippet faint", dir: "auto" },
              last ? last.subject || say().noSubject : say().nothingYet,
            ),
          ),
          make(
            "span",
            { class: "marks" },
            last ? make("time", { datetime: last.at }, moment(new Date(last.at))) : "",
            fresh ? make("span", { class: "unread" }, say().unread(fresh)) : "",
          ),
        ),
      );
    }),
  );
  if (focused) list.querySelector(`[data-address="${CSS.escape(focused)}"]`)?.focus();
  document.title = (news ? `(${news}) ` : "") + say().title;
}

// --- one mailbox ---

function choose(address, byHand) {
  state.chosen = address;
  state.thread = 0;
  stopWriting();
  const newest = mailsOf(address).filter((mail) => inFolder(mail, state.folder)).at(-1);
  if (newest && innerWidth > 720 && byHand) open(newest, false);
  draw(true);
  if (!byHand) return;
  document.body.dataset.view = "mailbox";
  history.replaceState(null, "", `#${address}`);
  $("owner").focus();
}

function drawMailbox() {
  const owner = person(state.chosen);
  if (!owner) return;
  $("owner").textContent = owner.name;
  $("owner-address").textContent = owner.address;
  const mails = mailsOf(state.chosen);
  $("tab-inbox").textContent = say().inbox(mails.filter(isFresh).length);
  $("tab-outbox").textContent = say().outbox;
  for (const folder of ["inbox", "outbox"]) {
    $(`tab-${folder}`).setAttribute("aria-selected", String(folder === state.folder));
    $(`tab-${folder}`).tabIndex = folder === state.folder ? 0 : -1;
  }
  $("mails").setAttribute("aria-labelledby", `tab-${state.folder}`);
  const focused = document.activeElement?.closest?.("#list button")?.dataset.id;
  const shown = mails.filter((mail) => inFolder(mail, state.folder)).reverse();
  $("list").replaceChildren(
    ...shown.map((mail) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            class: isFresh(mail) ? "fresh" : undefined,
            "data-id": String(mail.id),
            "aria-current": mail.thread === state.thread ? "true" : undefined,
            onclick: () => open(mail, true),
          },
          make(
            "span",
            { class: "from" },
            state.folder === "outbox" ? say().toWhom(state.firm.name) : mail.name || mail.from,
          ),
          make("time", { datetime: mail.at }, moment(new Date(mail.at))),
          make("span", { class: "about", dir: "auto" }, mail.subject || say().noSubject),
          make("span", { class: "snippet", dir: "auto" }, mail.text),
          isFresh(mail) ? make("span", { class: "hidden" }, say().isUnread) : "",
        ),
      ),
    ),
  );
  if (focused) $("list").querySelector(`[data-id="${focused}"]`)?.focus();
  $("empty").hidden = shown.length > 0;
  $("empty").textContent = state.folder === "outbox" ? say().emptyOutbox : say().emptyInbox;
}

function open(mail, byHand) {
  state.thread = mail.thread;
  stopWriting();
  draw(true);
  if (!byHand) return;
  document.body.dataset.view = "mail";
  $("thread").querySelector(`[data-id="${mail.id}"]`)?.scrollIntoView({ block: "start" });
  $("subject").focus({ preventScroll: true });
}

// --- a thread ---

const threadMails = () =>
  mailsOf(state.chosen).filter(
    (mail) => mail.thread === state.thread && mail.kind !== "bounce" && state.thread !== 0,
  );

function drawThread(anew) {
  const mails = threadMails();
  $("nothing").hidden = mails.length > 0 || state.writing;
  $("thread-view").hidden = !mails.length || (state.writing && !state.answers);
  $("reply").parentElement.hidden = state.writing;
  if (!mails.length) return;
  if (!document.hidden) for (const mail of mails) state.seen.add(mail.id);
  $("subject").textContent = mails[0].subject || say().noSubject;
  const list = $("thread");
  if (anew) list.replaceChildren();
  const kept = new Map([...list.children].map((item) => [item.dataset.id, item]));
  for (const mail of mails) {
    const old = kept.get(String(mail.id));
    if (old?.dataset.changed === String(mail.changed)) continue;
    if (old) old.querySelector("footer").replaceWith(foot(mail));
    const item = old ?? letter(mail);
    item.dataset.id = String(mail.id);
    item.dataset.changed = String(mail.changed);
    if (!old) list.append(item);
  }
}

function letter(mail) {
  const mine = isMine(mail);
  const name = mail.name || mail.from;
  const parts = [
    make(
      "header",
      {},
      make("span", { class: `avatar ${toneOf(mine ? mail.customer : mail.from)}`, "aria-hidden": "true" }, initials(name)),
      make(
        "span",
        { class: "who" },
        make("strong", {}, mine ? `${name} (${say().you})` : name),
        make("span", {}, say().toWhom(mail.to)),
      ),
      make("time", { datetime: mail.at }, moment(new Date(mail.at))),
    ),
  ];
  if (mail.kind !== "mail") parts.push(make("p", { class: "robot" }, say().robot[mail.kind]));
  if (mail.has_page && !state.plain.has(mail.id)) {
    const frame = make("iframe", {
      src: `/control/mail/mails/${mail.id}/page`,
      sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
      title: say().page(name),
    });
    frame.addEventListener("load", () => {
      const fit = () => {
        frame.style.height = `${frame.contentDocument.documentElement.getBoundingClientRect().height + 2}px`;
      };
      fit();
      new ResizeObserver(fit).observe(frame.contentDocument.documentElement);
    });
    parts.push(frame);
  } else parts.push(make("div", { class: "text", dir: "auto" }, mail.text));
  if (mail.files.length) parts.push(make("div", { class: "files" }, ...mail.files.map(attached)));
  parts.push(foot(mail));
  return make("li", { class: `letter${mail.status === "bounced" ? " returned" : ""}` }, ...parts);
}

function attached(file) {
  if (!file.media_type.startsWith("image/")) return make("a", { href: file.url, download: file.name }, file.name);
  return make(
    "a",
    { href: file.url, target: "_blank", rel: "noreferrer" },
    make("img", { src: file.url, alt: file.name, loading: "lazy" }),
  );
}

function foot(mail) {
  const answer = mail.code ? `${mail.code} ${mail.words}` : say().noAnswer;
  const states = {
    sending: mail.attempts ? say().tries(mail.attempts, answer) : say().sending,
    accepted: say().accepted(mail.code),
    failed: say().failed(answer),
    bounced: say().bounced,
  };
  const wrong = ["failed", "bounced"].includes(mail.status);
  const switching = mail.has_page
    ? make(
        "button",
        {
          type: "button",
          class: "link",
          onclick: () => {
            if (!state.plain.delete(mail.id)) state.plain.add(mail.id);
            drawThread(true);
            $("thread").querySelector(`[data-id="${mail.id}"] footer .link`)?.focus();
          },
        },
        state.plain.has(mail.id) ? say().asSent : say().asText,
      )
    : "";
  return make(
    "footer",
    {},
    make("span", { class: wrong ? "state wrong" : "state" }, states[mail.status] ?? ""),
    switching,
    make("a", { href: `/control/mail/mails/${mail.id}/source`, target: "_blank", rel: "noreferrer" }, say().source),
  );
}

// --- writing ---

function write(answers) {
  state.writing = true;
  state.answers = answers;
  if (!answers) state.thread = 0;
  const owner = person(state.chosen);
  $("composer").hidden = false;
  $("composer-top").hidden = $("subject-line").hidden = Boolean(answers);
  $("to").textContent = answers
    ? isMine(answers)
      ? answers.to
      : `${answers.name || answers.from} <${answers.from}>`
    : `${state.firm.name} <${state.firm.address}>`;
  $("quote").hidden = !answers;
  $("quote").open = false;
  $("quoted").textContent = answers?.text ?? "";
  $("program").value = owner.program;
  $("program").parentElement.hidden = !answers;
  refuse("");
  draw(true);
  document.body.dataset.view = "mail";
  $("composer").scrollIntoView({ block: "nearest" });
  (answers ? $("text") : $("subject-field")).focus();
}

function stopWriting() {
  state.writing = false;
  state.answers = null;
  state.files = [];
  $("composer").hidden = true;
  $("text").value = $("subject-field").value = "";
  refuse("");
  drawFiles();
}

function refuse(reason) {
  $("refused").hidden = !reason;
  $("refused").textContent = reason;
}

function addFiles(files) {
  refuse("");
  for (const file of files) {
    if (file.size > MOST_BYTES) refuse(say().tooLarge(file.name));
    else if (state.files.length === MOST_FILES) refuse(say().tooMany);
    else state.files = [...state.files, { file, url: URL.createObjectURL(file) }];
  }
  drawFiles();
}

function drawFiles() {
  $("pictures").hidden = !state.files.length;
  $("pictures").replaceChildren(
    ...state.files.map((each) =>
      make(
        "li",
        {},
        each.file.type.startsWith("image/")
          ? make("img", { src: each.url, alt: each.file.name })
          : make("span", { class: "other" }, each.file.name),
        make(
          "button",
          {
            type: "button",
            "aria-label": say().remove(each.file.name),
            onclick: () => {
              state.files = state.files.filter((other) => other !== each);
              drawFiles();
              $("text").focus();
            },
          },
          drawing(CROSS),
        ),
      ),
    ),
  );
}

async function send() {
  const owner = person(state.chosen);
  const text = $("text").value.trim();
  if (!text && !state.files.length) {
    refuse(say().empty);
    $("text").focus();
    return;
  }
  const submit = $("composer").querySelector("[type=submit]");
  submit.disabled = true;
  try {
    const files = await Promise.all(
      state.files.map(async ({ file }) => ({
        name: file.name,
        media_type: file.type || "application/octet-stream",
        content_base64: await base64(file),
      })),
    );
    const letter = { from: owner.address, name: owner.name, body: text, files, wait: false };
    if (state.answers) letter.answers = state.answers.id;
    else letter.subject = $("subject-field").value.trim();
    const sent = await post("/control/mail/mails", {
      ...letter,
      program: state.answers ? $("program").value : owner.program,
      language: owner.language,
    });
    stopWriting();
    state.mails.set(sent.id, state.mails.get(sent.id)?.changed > sent.changed ? state.mails.get(sent.id) : sent);
    if (!threadMails().length) state.folder = "outbox";
    state.thread = sent.thread;
    draw(false);
    $("thread").lastElementChild?.scrollIntoView({ block: "nearest" });
    $("subject").focus({ preventScroll: true });
  } catch (error) {
    refuse(`${say().refused} ${error.message}`);
  } finally {
    submit.disabled = false;
  }
}

// --- the network ---

let summary = null;

function drawFigures() {
  if (!summary) return;
  const count = new Intl.NumberFormat(locale());
  const time = (value) => (value === null ? "–" : `${count.format(Math.round(value))} ms`);
  const rows = [
    ["sent", count.format(summary.sent)],
    ["accepted", count.format(summary.accepted)],
    ["waiting", count.format(summary.waiting)],
    ["failed", count.format(summary.failed), summary.failed > 0],
    ["p50", time(summary.latency_ms.p50)],
    ["p99", time(summary.latency_ms.p99)],
    ["received", count.format(summary.received)],
    ["bounced", count.format(summary.bounced)],
  ];
  $("figures").replaceChildren(
    ...rows.map(([name, value, wrong]) =>
      make("div", { class: wrong ? "wrong" : undefined }, make("dt", {}, say().figures[name]), make("dd", {}, value)),
    ),
  );
}

function drawFaults() {
  $("faults").replaceChildren(
    ...FAULTS.map(([name, fault]) =>
      make(
        "li",
        {},
        make(
          "button",
          { type: "button", onclick: () => post("/control/mail/faults", fault).then(look, () => undefined) },
          say().faults[name],
        ),
      ),
    ),
  );
}

async function look() {
  try {
    const [figures, faults] = await Promise.all([get("/control/mail/summary"), get("/control/mail/faults")]);
    summary = figures;
    drawFigures();
    const count = faults.faults.length;
    $("in-force").textContent = count ? say().inForce(count) : "";
    $("clear").hidden = !count;
  } catch {
    // The long poll says that the simulator is away.
  }
}

// --- what happens ---

function draw(anew) {
  drawThread(anew); // first: what it shows has been seen
  drawPeople();
  drawMailbox();
}

function changed(mails, first) {
  for (const mail of mails) {
    state.mails.set(mail.id, mail);
    if (first) state.seen.add(mail.id); // what was there before the page was opened is not news
  }
  draw(first);
}

$("write").addEventListener("click", () => write(null));
$("reply").addEventListener("click", () => {
  const mails = threadMails();
  write(mails.findLast((mail) => !isMine(mail) && mail.status === "received") ?? mails.at(-1));
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
});
$("text").addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) {
    event.preventDefault();
    addFiles(event.clipboardData.files);
  }
});
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  addFiles($("file").files);
  $("file").value = "";
  $("text").focus();
});
function leave() {
  const answered = state.answers;
  stopWriting();
  if (!answered) document.body.dataset.view = "mailbox";
  draw(true);
  (answered ? $("reply") : $("write")).focus();
}
$("discard").addEventListener("click", leave);
$("leave").addEventListener("click", leave);
$("back").addEventListener("click", () => {
  document.body.dataset.view = "list";
  $("people").querySelector("[aria-current]")?.focus();
});
$("back-to-list").addEventListener("click", () => {
  document.body.dataset.view = "mailbox";
  ($("list").querySelector("[aria-current]") ?? $("owner")).focus();
});
for (const folder of ["inbox", "outbox"])
  $(`tab-${folder}`).addEventListener("click", () => {
    state.folder = folder;
    drawMailbox();
  });
document.querySelector(".folders").addEventListener("keydown", (event) => {
  if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  state.folder = state.folder === "inbox" ? "outbox" : "inbox";
  drawMailbox();
  $(`tab-${state.folder}`).focus();
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
  const address = $("another-address").value.trim().toLowerCase();
  const right = ADDRESS.test(address);
  $("another-wrong").hidden = right;
  $("another-wrong").textContent = right ? "" : say().notAnAddress;
  if (!right) return;
  if (!person(address)) {
    state.others = [address, ...state.others];
    localStorage.setItem("addresses", JSON.stringify(state.others));
  }
  $("another-address").value = "";
  choose(address, true);
});
$("clear").addEventListener("click", () => clear("/control/mail/faults").then(look, () => undefined));
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => {
    localStorage.setItem("language", button.dataset.language);
    speak(button.dataset.language);
  });
document.addEventListener("visibilitychange", () => document.hidden || draw(false));

const { people: cast, firm, programs } = await get("/control/mail/people");
Object.assign(state, { people: cast, firm, programs });
speak(firstLanguage());
const wanted = person(decodeURIComponent(location.hash.slice(1)));
choose((wanted ?? state.people[0]).address, Boolean(wanted));
await look();
setInterval(() => document.hidden || look(), FIGURES_EVERY);
follow("/control/mail/mails", "mails", changed, (reached) => {
  $("trouble").hidden = reached;
});

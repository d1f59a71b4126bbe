/** The chat's page inside the shop's iframe: reads its address, joins the chat to the screen and to the shop's page. */
import { render } from "preact";
import type { ToFrame, ToPage } from "../protocol";
import { createChat } from "./chat";
import { createHub } from "./hub";
import { Screen } from "./screen";
import { connect } from "./socket";
import { memory } from "./storage";
import type { State } from "./store";
import "./style.css";
import { WORDS } from "./words";

const asked = new URLSearchParams(location.search);
const inbox = asked.get("inbox") ?? "";
const origin = asked.get("origin") ?? location.origin;
const page = window.parent === window ? null : window.parent;
const remembered = memory(`centralita:${inbox}:`, () => localStorage);
const tell = (message: ToPage) => page?.postMessage(message, origin);
const close = () => tell({ type: "close" });
const chat = createChat({
  hub: createHub({
    inbox,
    origin,
    memory: remembered,
    fetch: fetch.bind(window),
    onIdentityRefused: () => tell({ type: "identity_refused" }),
  }),
  memory: remembered,
  language: (remembered.get("language") ?? asked.get("language")) === "es" ? "es" : "en",
  connect,
  show,
});

let open = !page;
let latest: State | undefined;

function show(state: State): void {
  latest = state;
  const { unread, items, outgoing, status, language } = state;
  document.documentElement.lang = language;
  render(<Screen {...{ chat, state }} words={WORDS[language]} now={Date.now()} onClose={page && close} />, document.body);
  const visit = items.length + outgoing.length > 0 && status?.status !== "resolved";
  tell({ type: "news", unread, visit });
}

function look(): void {
  chat.watching(open && !document.hidden);
}

function panel(isOpen: boolean): void {
  open = isOpen;
  look();
  if (open) document.querySelector<HTMLElement>("[data-focus]")?.focus();
}

addEventListener("message", (event: MessageEvent<ToFrame>) => {
  if (event.source !== page || event.origin !== origin) return;
  const message = event.data;
  if (message.type === "init") {
    open = message.open;
    look();
    void chat.identify(message.identity ?? undefined);
  } else if (message.type === "identify") void chat.identify(message.identity);
  else panel(message.type === "open");
});
document.addEventListener("visibilitychange", look);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) close();
});
addEventListener("online", () => chat.network(true));
addEventListener("offline", () => chat.network(false));

// What is said of the opening hours changes with the clock alone.
setInterval(() => latest && show(latest), 30_000);

chat.watching(open);
if (page) tell({ type: "ready" });
else void chat.identify(undefined);

/** The chat's page inside the shop's iframe: reads its address, joins the chat to the screen and to the shop's page. */
import { render } from "preact";
import type { ToFrame, ToPage } from "../protocol";
import { Chat } from "./chat";
import { Hub } from "./hub";
import { Screen } from "./screen";
import { connect } from "./socket";
import { memory } from "./storage";
import "./style.css";

const asked = new URLSearchParams(location.search);
const inbox = asked.get("inbox") ?? "";
const origin = asked.get("origin") ?? location.origin;
const remembered = memory(`centralita:${inbox}:`, () => localStorage);
const language = (remembered.get("language") ?? asked.get("language")) === "es" ? "es" : "en";
const embedded = window.parent !== window;

function tell(message: ToPage): void {
  if (embedded) window.parent.postMessage(message, origin);
}

const hub = new Hub(inbox, origin, remembered, fetch.bind(window), () => tell({ type: "identity_refused" }));
const chat = new Chat({ hub, memory: remembered, language, connect });
let open = !embedded;

function look(): void {
  chat.watching(open && !document.hidden);
}

function show(on: boolean): void {
  open = on;
  look();
  if (on) document.querySelector<HTMLElement>("[data-focus]")?.focus();
}

addEventListener("message", (event: MessageEvent<ToFrame>) => {
  if (event.source !== window.parent || event.origin !== origin) return;
  const message = event.data;
  if (message.type === "init") {
    show(message.open);
    void chat.identify(message.identity ?? undefined);
  } else if (message.type === "identify") void chat.identify(message.identity);
  else show(message.type === "open");
});

let told = "";
chat.subscribe(({ unread, items, outgoing, status }) => {
  const visit = items.length + outgoing.length > 0 && status?.status !== "resolved";
  const news = `${unread} ${visit}`;
  if (news === told) return;
  told = news;
  tell({ type: "unread", count: unread });
  tell({ type: "visit", open: visit });
});
document.addEventListener("visibilitychange", look);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) tell({ type: "close" });
});
addEventListener("online", () => chat.network(true));
addEventListener("offline", () => chat.network(false));

render(<Screen chat={chat} onClose={embedded ? () => tell({ type: "close" }) : null} />, document.body);
if (embedded) tell({ type: "ready" });
else {
  look();
  void chat.start();
}

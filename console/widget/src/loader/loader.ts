/**
 * What a shop embeds: a launcher with an unread badge. The chat itself is fetched into an iframe of the hub's origin when
 * the customer opens it, or earlier where this browser has a conversation going on.
 *
 *     <script src="https://hub.example/widget/loader.js" data-inbox="KEY" data-language="es" data-identity="JWT" async></script>
 *
 * Nothing is kept on the shop's origin but two marks without any identity: that there is a conversation, and that the
 * panel is open.
 */
import type { ToFrame, ToPage } from "../protocol";
import { style } from "./style";

const WORDS = {
  en: {
    open: "Chat with us",
    close: "Close the chat",
    unread: (count: number) => `${count} unread`,
    loading: "Opening the chat…",
    unreachable: "The chat cannot be reached right now.",
    again: "Try again",
  },
  es: {
    open: "Chatee con nosotros",
    close: "Cerrar el chat",
    unread: (count: number) => `${count} sin leer`,
    loading: "Abriendo el chat…",
    unreachable: "No se puede acceder al chat en este momento.",
    again: "Volver a intentar",
  },
};
const PATIENCE = 12_000;
const SMALL = "(max-width:520px),(max-height:520px)";
const CHAT = "M21 12a8 8 0 0 1-11 7l-6 2 2-5a8 8 0 1 1 15-4z";
const DOWN = "M6 9l6 6 6-6";

export interface CentralitaApi {
  open(): void;
  close(): void;
  /** Says who is signed in: a JWT made by the shop's server, or null after signing out. */
  identify(token: string | null): void;
}

declare global {
  interface Window {
    Centralita?: CentralitaApi;
  }
}

function start(script: HTMLScriptElement): void {
  const hub = new URL(script.src).origin;
  const inbox = script.dataset.inbox ?? "";
  const language = (script.dataset.language || document.documentElement.lang || navigator.language).slice(0, 2);
  const words = language === "es" ? WORDS.es : WORDS.en;
  const visitMark = `centralita:${inbox}:visit`;
  const openMark = `centralita:${inbox}:open`;
  let identity = script.dataset.identity ?? null;
  let frame: HTMLIFrameElement | null = null;
  let ready = false;
  let patience = 0;

  const host = element("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [sheet]; // not a <style>, which a shop's content security policy may forbid
  const launcher = element("button");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const badge = element("span");
  const panel = element("dialog");
  const notice = element("p");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.ariaHidden = "true";
  icon.append(path);
  launcher.append(icon, badge);
  launcher.ariaHasPopup = "dialog";
  panel.ariaLabel = words.open;
  notice.role = "status";
  panel.append(notice);
  root.append(panel, launcher);

  function label(): void {
    const unread = Number(badge.textContent);
    path.setAttribute("d", panel.open ? DOWN : CHAT);
    launcher.ariaExpanded = `${panel.open}`;
    launcher.ariaLabel = panel.open ? words.close : words.open + (unread ? `, ${words.unread(unread)}` : "");
  }

  function tell(message: ToFrame): void {
    if (ready) frame?.contentWindow?.postMessage(message, hub);
  }

  function load(): void {
    if (frame) return;
    frame = element("iframe");
    frame.title = words.open;
    frame.src = `${hub}/widget/frame?${new URLSearchParams({ inbox, origin: location.origin, language }).toString()}`;
    notice.textContent = words.loading;
    patience = window.setTimeout(giveUp, PATIENCE);
    panel.append(frame);
  }

  function giveUp(): void {
    frame?.remove();
    frame = null;
    const again = element("button");
    again.textContent = words.again;
    again.onclick = load;
    notice.textContent = words.unreachable;
    notice.append(again);
  }

  function open(): void {
    if (panel.open) return;
    load();
    // Over the whole screen the page behind must be out of reach of Tab and the screen reader; beside it, within.
    if (matchMedia(SMALL).matches) panel.showModal();
    else panel.show();
    badge.textContent = "";
    label();
    mark("sessionStorage", openMark, true);
    frame?.focus();
    tell({ type: "open" });
  }

  function close(): void {
    if (!panel.open) return;
    panel.close();
    label();
    mark("sessionStorage", openMark, false);
    launcher.focus();
    tell({ type: "close" });
  }

  function hear(event: MessageEvent<ToPage>): void {
    if (!frame || event.source !== frame.contentWindow || event.origin !== hub) return;
    const message = event.data;
    if (message.type === "ready") {
      clearTimeout(patience);
      ready = true;
      panel.className = "ready";
      notice.textContent = "";
      if (root.activeElement === frame) {
        frame.blur(); // the focus was on the empty frame, before there was a document in it
        frame.focus();
      }
      tell({ type: "init", identity, open: panel.open });
    } else if (message.type === "close") {
      close();
    } else if (message.type === "news") {
      badge.textContent = message.unread && !panel.open ? `${message.unread}` : "";
      label();
      mark("localStorage", visitMark, message.visit);
    } else {
      console.warn("Centralita: the identity token was refused; the customer chats unsigned.");
    }
  }

  launcher.onclick = () => (panel.open ? close() : open());
  panel.oncancel = (event) => {
    event.preventDefault();
    close();
  };
  panel.onkeydown = (event) => {
    if (event.key === "Escape") close();
  };
  addEventListener("message", hear);
  document.body.append(host);
  // Open again where it was open on the page before, without taking the focus from this one.
  panel.open = marked("sessionStorage", openMark) && !matchMedia(SMALL).matches;
  if (panel.open || marked("localStorage", visitMark)) load();
  label();

  window.Centralita = {
    open,
    close,
    identify(token) {
      identity = token;
      tell({ type: "identify", identity });
    },
  };
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name): HTMLElementTagNameMap[Name] {
  return document.createElement(name);
}

/** Storage may be forbidden altogether; then there is no badge on the next page, and nothing else is amiss. */
function mark(storage: "localStorage" | "sessionStorage", name: string, on: boolean): void {
  try {
    if (on) window[storage].setItem(name, "1");
    else window[storage].removeItem(name);
  } catch {
    // see above
  }
}

function marked(storage: "localStorage" | "sessionStorage", name: string): boolean {
  try {
    return window[storage].getItem(name) !== null;
  } catch {
    return false;
  }
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement && !window.Centralita) {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => start(script));
  else start(script);
}

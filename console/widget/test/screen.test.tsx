// @vitest-environment jsdom
import { render } from "preact";
import { expect, test, vi } from "vitest";
import type { Chat } from "../src/app/chat";
import { Failure } from "../src/app/hub";
import { Screen } from "../src/app/screen";
import { beginning, type State } from "../src/app/store";
import type { Settings } from "../src/app/types";
import { WORDS } from "../src/app/words";

const SETTINGS: Settings = {
  title: { en: "Shop", es: "Tienda" },
  greeting: { en: "Hello!", es: "¡Hola!" },
  languages: ["en", "es"],
  pre_chat: [{ name: "phone", required: false }],
  quick_replies: {},
  attachment_limit: 1,
  media_types: [],
  text_limit: 100,
  text_us: null,
};

function shown(part: Partial<State>, settings: Partial<Settings> = {}, chat: Partial<Chat> = {}): HTMLElement {
  const state: State = { ...beginning("es"), settings: { ...SETTINGS, ...settings }, ...part };
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  render(<Screen chat={chat as Chat} state={state} words={WORDS.es} now={Date.now()} onClose={null} />, root);
  return root;
}

test("a telephone number that the hub does not know is said at its field, in the reader's language", async () => {
  const submitDetails = vi.fn().mockRejectedValue(new Failure(422, "phone: must be a number", 0, "phone"));
  const root = shown({ phase: "details" }, {}, { submitDetails });
  const field = root.querySelector<HTMLInputElement>("[name=phone]");
  if (!field) throw new Error("no field");
  field.value = "12";
  root.querySelector("form")?.requestSubmit();
  const alert = root.querySelector("[role=alert]");
  await vi.waitFor(() => expect(alert?.textContent).toBe(WORDS.es.phoneRule));
  expect(submitDetails).toHaveBeenCalledWith({ phone: "12" });
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(field.getAttribute("aria-describedby")).toBe(alert?.id);
  expect(document.activeElement).toBe(field);
});

test("another refusal is said in the hub's words, and blames no field", async () => {
  const submitDetails = vi.fn().mockRejectedValue(new Failure(409, "not now"));
  const root = shown({ phase: "details" }, {}, { submitDetails });
  root.querySelector("form")?.requestSubmit();
  await vi.waitFor(() => expect(root.querySelector("[role=alert]")?.textContent).toBe("not now"));
  expect(root.querySelector("[aria-invalid=true]")).toBeNull();
});

test.each(["details", "chat"] as const)("the number for text messages stands in the %s, where there is one", (phase) => {
  const link = () => shown({ phase }, { text_us: "+34 612 34 56 78" }).querySelector<HTMLAnchorElement>("a[href^=sms]");
  expect(link()?.textContent).toBe("+34 612 34 56 78");
  expect(link()?.getAttribute("href")).toBe("sms:+34612345678");
  expect(shown({ phase }).textContent).not.toContain("SMS");
});

test("it says that nobody is there and when again, until an agent is", () => {
  const tomorrow = Date.now() + 86_400_000;
  const open = [{ begins: new Date(tomorrow).toISOString(), ends: new Date(tomorrow + 1000).toISOString() }];
  expect(shown({ phase: "chat", open }).querySelector(".away")?.textContent).toContain("mañana");
  expect(shown({ phase: "chat", open: [] }).querySelector(".away")?.textContent).toBe(WORDS.es.away(""));
  expect(shown({ phase: "chat" }).querySelector(".away")).toBeNull();
  const status = { status: "assigned", place: null, agent_name: "Ana" } as const;
  expect(shown({ phase: "chat", open, status }).querySelector(".away")).toBeNull();
});

// @vitest-environment jsdom
import "../testing/dom";

import type { ConversationDetail } from "@centralita/shared/api";
import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../api/hub";
import { forgetDrafts } from "../session/drafts";
import type { Limits, Way } from "../session/ways";
import { conversation, message } from "../testing/made";
import { show } from "../testing/show";
import { en } from "../text/en";
import { Composer } from "./Composer";

vi.mock("../api/hub");
vi.mock("../live/connection", () => ({ tellTyping: () => undefined }));
const answers = vi.mocked(hub);
beforeEach(() => {
  forgetDrafts();
  vi.resetAllMocks();
  answers.send.mockResolvedValue(message({ id: "sent" }));
  answers.linkPlaces.mockResolvedValue({ items: [] });
});

const LIMITS: Limits = { text: 400, file: 1_000, mediaTypes: ["image/png"], segmented: true };
const CHAT: Way = {
  ...{ window: null, stopped: null, letter: null, key: "chat", inboxId: "shop", identityId: "visitor", channel: "webchat", inboxName: "Shop", address: "" },
  ...{ isLast: false, neverWritten: false, forbidden: null, limits: { text: 10_000, file: 1_000, mediaTypes: ["image/png"], segmented: false } },
};
const SMS: Way = {
  ...{ window: null, stopped: null, letter: null, key: "sms", inboxId: "number", identityId: "phone", channel: "sms", inboxName: "Madrid", address: "+34 612 34 56 78" },
  ...{ isLast: true, neverWritten: false, forbidden: null, limits: LIMITS },
};
const DETAIL: ConversationDetail = {
  conversation: conversation({ id: "c", channel: "sms", inbox_id: "number" }),
  contact: { id: "contact", name: "María", language: "es", identities: [], merged_into: null },
  ...{ packet: null, verification: null, ways: [], consent: [], reply_inboxes: [], merged_from: [], earlier: [] },
};

function opened(...ways: Way[]) {
  show(<Composer detail={DETAIL} ways={ways} />);
  return {
    box: () => screen.getByRole<HTMLTextAreaElement>("textbox"),
    send: () => screen.getByRole<HTMLButtonElement>("button", { name: en["composer.send"] }),
    pick: async (name: RegExp) => {
      await userEvent.click(screen.getByRole("button", { name: /^Answer by .+ Choose another$/ }));
      await userEvent.click(await screen.findByRole("menuitemradio", { name }));
    },
  };
}
const sent = () => answers.send.mock.calls.map(([, body]) => [body.text, body.inbox_id]);

it("answers by the way of the customer's last message, and says when it is another", async () => {
  const { box, pick } = opened(CHAT, SMS);
  await userEvent.type(box(), "one{Enter}");
  expect(screen.queryByText(/This answer goes by/)).toBeNull();
  await pick(/Web chat/);
  expect(screen.getByText(/The customer wrote last by SMS. This answer goes by Web chat./)).toBeTruthy();
  await userEvent.type(box(), "two{Enter}");
  await userEvent.click(screen.getByRole("button", { name: "Back to SMS" }));
  await userEvent.type(box(), "three{Enter}");
  expect(sent()).toEqual([["one", "number"], ["two", "shop"], ["three", "number"]]);
});

it("counts SMS while the text is written, names what makes it dear, and replaces that", async () => {
  const { box } = opened(CHAT, SMS);
  await userEvent.click(box());
  await userEvent.paste(`It’s ${"a".repeat(100)}`);
  const hint = await screen.findByRole("group", { name: en["sms.alphabet"] });
  expect(box().getAttribute("aria-describedby")).toBe(screen.getByText(/^2 SMS · 29 characters left$/).id);
  expect(hint.textContent).toContain("’");
  await userEvent.click(screen.getByRole("button", { name: "Show ’ in the text" }));
  expect(box().value.slice(box().selectionStart, box().selectionEnd)).toBe("’");
  await userEvent.click(screen.getByRole("button", { name: "Replace: only 1 SMS" }));
  expect(box().value).toBe(`It's ${"a".repeat(100)}`);
  expect(await screen.findByText(/^1 SMS · 55 characters left$/)).toBeTruthy();
});

it("keeps to each channel's limit of text", async () => {
  const { box, send, pick } = opened(CHAT, SMS);
  await userEvent.click(box());
  await userEvent.paste("a".repeat(401));
  expect(screen.getByText("1 characters over the limit")).toBeTruthy();
  expect(send().disabled).toBe(true);
  await pick(/Web chat/);
  expect(send().disabled).toBe(false);
});

it("says which file a channel does not take, and takes it again by another", async () => {
  answers.upload.mockResolvedValue({ id: "a", name: "photo.png", media_type: "image/png", size: 5, url: "" });
  const { send, pick } = opened({ ...SMS, limits: { ...LIMITS, mediaTypes: ["image/jpeg"] } }, CHAT);
  const input = document.querySelector<HTMLInputElement>("input[type=file]");
  if (!input) throw new Error("no way to attach");
  await userEvent.upload(input, new File(["photo"], "photo.png", { type: "image/png" }), { applyAccept: false });
  expect((await screen.findByRole("alert")).textContent).toContain("photo.png: not a kind of file for SMS, which takes JPEG");
  expect(send().disabled).toBe(true);
  await pick(/Web chat/);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(send().disabled).toBe(false);
});

it("writes to nobody who wants no messages, offers the other way, and asks for a reason to lift it", async () => {
  const forbidden = { since: "2026-11-20T10:00:00Z", how: "keyword" };
  opened({ ...SMS, forbidden }, CHAT);
  expect(screen.queryByRole("textbox")).toBeNull();
  expect(screen.getByRole("region", { name: en["consent.forbidden"] }).textContent).toContain("texted STOP");
  await userEvent.click(screen.getByRole("button", { name: en["consent.lift"] }));
  await userEvent.type(screen.getByRole("textbox", { name: /How do you know/ }), "asked on the phone");
  await userEvent.click(screen.getByRole("button", { name: en["consent.liftNow"] }));
  expect(answers.doNotContact.mock.calls).toEqual([["c", { identity_id: "phone", reason: "asked on the phone", forbidden: false }]]);
  await userEvent.click(screen.getByRole("button", { name: "Answer by Web chat" }));
  expect(screen.getByRole("textbox", { name: /Reply to María/ })).toBeTruthy();
});

it("lets notes be written all the same", async () => {
  const { box } = opened({ ...SMS, forbidden: { since: "2026-11-20T10:00:00Z", how: "agent" } });
  await userEvent.click(screen.getByRole("radio", { name: en["composer.note"] }));
  await userEvent.type(box(), "called back");
  await userEvent.click(screen.getByRole("button", { name: en["composer.addNote"] }));
  expect(answers.send.mock.calls[0]?.[1]).toMatchObject({ kind: "note", text: "called back", inbox_id: null });
});

it("puts a link into the answer, by which the customer goes on in another channel", async () => {
  answers.linkPlaces.mockResolvedValue({ items: [{ inbox_id: "bot", inbox_name: "Lumbre Telegram", channel: "telegram" }] });
  answers.makeLink.mockResolvedValue({ link: "https://t.me/x", text: "Go on here: https://t.me/x", expires_at: "2026-01-01T00:10:00Z" });
  const { box } = opened(CHAT, SMS);
  await userEvent.type(box(), "Of course.");
  await userEvent.click(await screen.findByRole("button", { name: en["composer.continueOn"] }));
  await userEvent.click(await screen.findByRole("menuitem", { name: /Telegram/ }));
  expect(answers.makeLink).toHaveBeenCalledExactlyOnceWith("c", "bot");
  await vi.waitFor(() => expect(box().value).toBe("Of course.\n\nGo on here: https://t.me/x"));
  await userEvent.click(screen.getByText(en["composer.note"]));
  expect(screen.queryByRole("button", { name: en["composer.continueOn"] })).toBeNull();
});

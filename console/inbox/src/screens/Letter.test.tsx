// @vitest-environment jsdom
import "../testing/dom";

import type { LetterOut } from "@centralita/shared/api";
import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../api/hub";
import { conversation, message } from "../testing/made";
import { show } from "../testing/show";
import { en } from "../text/en";
import { heldBack } from "./HtmlMail";
import { hasOwnSubject, LetterFoot, LetterHead } from "./Letter";
import { silent } from "./ListenerBanner";

vi.mock("../api/hub");
vi.mock("@tanstack/react-router", () => ({ Link: () => null, useNavigate: () => () => undefined }));
vi.setConfig({ testTimeout: 20_000 });
const answers = vi.mocked(hub);
beforeEach(() => {
  vi.resetAllMocks();
  answers.mailPageUrl.mockImplementation((id, images) => `/page/${id}/${String(images)}`);
});

const LETTER: LetterOut = {
  ...{ subject: "Re: My lamp [#12]", sender: "carla@example.org", robot: "", rule: "in_reply_to", evidence: "a@b" },
  ...{ claims: [], notes: [], has_html: false, has_more: false, inline: [] },
};
const LAMP = conversation({ id: "c", subject: "My lamp" });

it("names a mail's subject only where it is another one", () => {
  expect(hasOwnSubject(LETTER, LAMP)).toBe(false);
  expect(hasOwnSubject({ ...LETTER, subject: "AW: MY LAMP" }, LAMP)).toBe(false);
  expect(hasOwnSubject({ ...LETTER, subject: "My invoice" }, LAMP)).toBe(true);
  expect(hasOwnSubject({ ...LETTER, subject: "" }, LAMP)).toBe(false);
  expect(hasOwnSubject(LETTER, conversation({ id: "chat" }))).toBe(true);
});

it("says that a program wrote it", () => {
  show(<LetterHead letter={{ ...LETTER, robot: "out_of_office" }} conversation={LAMP} />);
  expect(screen.getByText("Out of office")).toBeTruthy();
});

it("shows the whole only when asked, and loads it then", async () => {
  answers.body.mockResolvedValue({ subject: "", whole: "Thanks.\n> It has been sent.", html: "" });
  show(<LetterFoot message={message({ id: "m" })} letter={{ ...LETTER, has_more: true, notes: ["no Date", "odd"] }} conversation={LAMP} />);
  expect(answers.body).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: en["mail.whole"] }));
  expect(await screen.findByText(/It has been sent/)).toBeTruthy();
  expect(screen.getByText("It had no date.")).toBeTruthy();
  expect(screen.getByText("odd")).toBeTruthy();
});

it("holds pictures from elsewhere back until they are asked for, in a frame that runs nothing", async () => {
  const html = '<img data-remote-src="https://a.example/1"><img data-tracking="1" data-remote-src="https://t.example">';
  answers.body.mockResolvedValue({ subject: "", whole: "", html });
  show(<LetterFoot message={message({ id: "m" })} letter={{ ...LETTER, has_html: true }} conversation={LAMP} />);
  await userEvent.click(screen.getByRole("button", { name: en["mail.asSent"] }));
  const frame = () => document.querySelector("iframe");
  await screen.findByText(/1 picture from elsewhere was not loaded/);
  expect(frame()?.getAttribute("src")).toBe("/page/m/false");
  expect(frame()?.getAttribute("sandbox")).toBe("allow-popups allow-popups-to-escape-sandbox");
  await userEvent.click(screen.getByRole("button", { name: en["mail.showImages"] }));
  expect(frame()?.getAttribute("src")).toBe("/page/m/true");
  expect(heldBack("<img alt='x'>")).toBe(0);
});

it("warns of whoever claims to belong to another conversation", () => {
  const claims: LetterOut["claims"] = [{ conversation_id: "other", ticket_number: 1234, rule: "ticket_number" }];
  show(<LetterFoot message={message({ id: "m" })} letter={{ ...LETTER, claims }} conversation={LAMP} />);
  expect(screen.getByRole("note").textContent).toContain("The sender claims to belong to #1234 but does not take part in it.");
});

it("has no warning left once the mail is in the conversation that it claims", () => {
  const claims: LetterOut["claims"] = [{ conversation_id: "c", ticket_number: 1234, rule: "ticket_number" }];
  show(<LetterFoot message={message({ id: "m" })} letter={{ ...LETTER, claims }} conversation={LAMP} />);
  expect(screen.queryByRole("note")).toBeNull();
});

it("tells since when an inbox has been silent", () => {
  const part = (state: string, detail: Record<string, string>) => ({ name: "listener", state, detail });
  const parts = [
    part("ok", { inbox: "A", seen_seconds_ago: "1" }),
    part("down", { inbox: "B", seen_seconds_ago: "90", since_seconds: "80" }),
    part("down", { inbox: "C" }),
    { name: "bot", state: "down", detail: {} },
  ];
  expect(silent({ state: "degraded", parts }, 100_000)).toEqual([
    { inbox: "B", since: 10_000 },
    { inbox: "C", since: null },
  ]);
  expect(silent(undefined, 0)).toEqual([]);
});

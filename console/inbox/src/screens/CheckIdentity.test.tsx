// @vitest-environment jsdom
import "../testing/dom";

import type { ConversationDetail } from "@centralita/shared/api";
import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../api/hub";
import { conversation } from "../testing/made";
import { show } from "../testing/show";
import { en } from "../text/en";
import { CheckIdentity } from "./CheckIdentity";

vi.mock("../api/hub");
vi.mock("../api/admin", () => ({
  questionsQuery: { queryKey: ["admin", "questions"], queryFn: () => ({ items: [QUESTION] }) },
}));
const answers = vi.mocked(hub);
const QUESTION = { name: "postcode", text_en: "Which postcode?", text_es: "¿Qué código postal?", position: 0 };
const WAY = { inbox_id: "mail", identity_id: "carla", channel: "email", address_display: "c@example.org", do_not_contact: false, limits: {} };
// No more of it is read here.
const DETAIL = {
  conversation: conversation({ id: "c" }),
  contact: { id: "contact" },
  ways: [WAY, { ...WAY, channel: "webchat" }, { ...WAY, channel: "sms", do_not_contact: true }],
} as unknown as ConversationDetail;

beforeEach(() => {
  vi.resetAllMocks();
  answers.contactFields.mockResolvedValue({ fields: { postcode: "28001" } });
  answers.answered.mockResolvedValue({ level: "claimed" });
  answers.sendCode.mockResolvedValue({ message_id: "m" });
  answers.checkCode.mockResolvedValue({ right: true });
});

it("records what was asked and what of it was right", async () => {
  const user = userEvent.setup();
  show(<CheckIdentity detail={DETAIL} />);
  await user.click(screen.getByRole("button", { name: en["check.title"] }));
  await user.click(await screen.findByText(en["check.wrong"]));
  await user.click(screen.getByText(en["check.right"]));
  await user.click(screen.getByRole("button", { name: en["check.say"] }));
  await waitFor(() => expect(answers.answered).toHaveBeenCalledExactlyOnceWith("c", ["postcode"], ["postcode"]));
});

it("sends a code only where one can be read, and checks what comes back", async () => {
  const user = userEvent.setup();
  show(<CheckIdentity detail={DETAIL} />);
  await user.click(screen.getByRole("button", { name: en["check.title"] }));
  await user.click(screen.getByRole("button", { name: "Send a code to c@example.org" }));
  expect(answers.sendCode).toHaveBeenCalledExactlyOnceWith("c", "mail", "carla");
  const field = await screen.findByLabelText(en["check.code"]);
  await user.type(field, "123 456");
  await user.click(within(field.closest("form") ?? document.body).getByRole("button"));
  await waitFor(() => expect(answers.checkCode).toHaveBeenCalledExactlyOnceWith("c", "123 456"));
});

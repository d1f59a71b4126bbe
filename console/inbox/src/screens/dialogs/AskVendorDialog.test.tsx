// @vitest-environment jsdom
import "../../testing/dom";

import type { VendorOut } from "@centralita/shared/api";
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../../api/hub";
import { conversation, message } from "../../testing/made";
import { show } from "../../testing/show";
import { en } from "../../text/en";
import { AskVendorDialog } from "./AskVendorDialog";

vi.mock("../../api/hub");
const answers = vi.mocked(hub);
const FIRM: VendorOut = {
  ...{ id: "firm", name: "Taller", language: "es", inbox_id: "mail", addresses: ["taller@example.com"] },
  ...{ answer_within_seconds: 0, page: false, tell_customer: false, same_domain: false, active: true },
};
const FILE = { id: "file", name: "lamp.png", media_type: "image/png", size: 1, url: "" };

beforeEach(() => {
  vi.resetAllMocks();
  answers.vendors.mockResolvedValue({ items: [{ ...FIRM, id: "gone", name: "Gone", active: false }, FIRM] });
  answers.messages.mockResolvedValue({
    items: [
      message({ id: "m1", text: "It flickers", attachments: [FILE] }),
      message({ id: "m2", text: "careful", kind: "note", author: { kind: "agent", id: "ana", name: "Ana" } }),
    ],
    before: null,
  });
  answers.askVendor.mockResolvedValue(message({ id: "asked", kind: "vendor" }));
});

it("sends what was written and chosen, and nothing that was not", async () => {
  const close = vi.fn();
  show(<AskVendorDialog opened onClose={close} conversation={conversation({ id: "c" })} />);
  await userEvent.type(await screen.findByRole("textbox", { name: new RegExp(en["vendor.text"]) }), "Do you know it?");
  expect((await screen.findByText(en["vendor.isNote"])).textContent).toBe("Note");
  await userEvent.click(await screen.findByRole("checkbox", { name: /It flickers/ }));
  await userEvent.click(screen.getByRole("checkbox", { name: "File: lamp.png" }));
  answers.previewVendorMail.mockResolvedValue({ address: "taller@example.com", subject: "x", whole: "All of it" });
  await userEvent.click(screen.getByRole("button", { name: en["vendor.preview"] }));
  expect(await screen.findByText("All of it")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: en["vendor.send"] }));
  await waitFor(() => expect(close).toHaveBeenCalled());
  expect(answers.askVendor.mock.calls[0]?.[1]).toMatchObject({
    ...{ vendor_id: "firm", text: "Do you know it?", message_ids: ["m1"], attachment_ids: ["file"] },
  });
});

it("says so where there is no firm to ask", async () => {
  answers.vendors.mockResolvedValue({ items: [] });
  show(<AskVendorDialog opened onClose={() => undefined} conversation={conversation({ id: "c" })} />);
  expect(await screen.findByText(en["vendor.none"])).toBeTruthy();
});

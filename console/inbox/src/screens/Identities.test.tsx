// @vitest-environment jsdom
import "../testing/dom";

import type { ContactOut, IdentityOut } from "@centralita/shared/api";
import { screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../api/hub";
import { keys, makeQueryClient } from "../api/queries";
import { AGENT, conversation } from "../testing/made";
import { show } from "../testing/show";
import { en } from "../text/en";
import { Candidates } from "./Candidates";
import { Identities } from "./Identities";

vi.mock("../api/hub");
const answers = vi.mocked(hub);
beforeEach(() => vi.resetAllMocks());

function identity(fields: Partial<IdentityOut> & { id: string }): IdentityOut {
  return {
    ...{ channel: "sms", address: "+34612345678", address_display: "+34 612 34 56 78", display_name: "" },
    ...{ evidence: "first_message", linked_at: "2026-11-20T10:00:00Z", stated_by: null, do_not_contact: null },
    linked_by: { kind: "system", id: null, name: "" },
    ...fields,
  };
}

const CHAT = identity({ id: "visitor", channel: "webchat", address: "01J", address_display: "Carla" });
const STATED = identity({ id: "phone", evidence: "stated", stated_by: "visitor" });
const contact = (...identities: IdentityOut[]): ContactOut => ({ id: "contact", name: "Carla", language: "en", identities, merged_into: null });

it("tells how an address is known, by whom, and that it is not proven", async () => {
  show(<Identities conversation={conversation({ id: "c" })} contact={contact(CHAT, STATED)} />);
  await userEvent.click(screen.getByRole("button", { name: en["evidenceBadge.stated"] }));
  expect(screen.getByText(en["evidenceStory.stated"])).toBeTruthy();
  expect(screen.getByText("Named by: Web chat · Carla")).toBeTruthy();
});

it("says who linked an address where it was a colleague, and shows a word of the hub's that is new", () => {
  const merged = identity({ id: "m", evidence: "merge", linked_by: { kind: "agent", id: "ben", name: "Ben Carter" } });
  show(<Identities conversation={conversation({ id: "c" })} contact={contact(merged, identity({ id: "n", evidence: "carrier_pigeon" }))} />);
  expect(screen.getByRole("button", { name: en["evidenceBadge.merge"] })).toBeTruthy();
  expect(screen.getByRole("button", { name: "Carrier pigeon" })).toBeTruthy();
});

it("gives an address to somebody else only after asking", async () => {
  answers.unlink.mockResolvedValue({ event_id: 7, contact: contact(STATED) });
  show(<Identities conversation={conversation({ id: "c" })} contact={contact(CHAT, STATED)} />);
  await userEvent.click(screen.getByRole("button", { name: "What can be done about +34 612 34 56 78" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: en["link.notTheirs"] }));
  const dialog = await screen.findByRole("dialog");
  expect(answers.unlink).not.toHaveBeenCalled();
  await userEvent.click(within(dialog).getByRole("button", { name: en["link.unlink"] }));
  expect(answers.unlink.mock.calls).toEqual([["contact", "phone"]]);
});

it("offers to forbid or to allow, as things stand, and wants a reason", async () => {
  const forbidden = { since: "2026-11-20T10:00:00Z", how: "keyword" as const };
  answers.doNotContact.mockResolvedValue(contact(STATED));
  show(<Identities conversation={conversation({ id: "c" })} contact={contact({ ...STATED, do_not_contact: forbidden })} />);
  expect(screen.getByText(/Must not be written to: texted STOP/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: /What can be done/ }));
  // The only address of a contact is who they are.
  expect(screen.queryByRole("menuitem", { name: en["link.notTheirs"] })).toBeNull();
  await userEvent.click(await screen.findByRole("menuitem", { name: en["consent.lift"] }));
  await userEvent.type(await screen.findByRole("textbox"), "asked on the phone{Enter}");
  expect(answers.doNotContact.mock.calls).toEqual([["c", { identity_id: "phone", reason: "asked on the phone", forbidden: false }]]);
});

it("shows candidates with every reason, and merges them only by those who may", async () => {
  const other = { ...contact(identity({ id: "o", channel: "whatsapp" })), id: "other", name: "C. Soler" };
  const reasons = [
    { reason: "same_number" as const, address_display: "+34 612 34 56 78" },
    { reason: "same_name" as const, address_display: "" },
  ];
  answers.candidates.mockResolvedValue({ items: [{ contact: other, reason: "same_number", reasons }] });
  answers.mergeContacts.mockResolvedValue({ event_id: 9, contact: other });
  const client = makeQueryClient();
  show(<Candidates conversation={conversation({ id: "c" })} contact={contact(STATED)} />, client);
  expect((await screen.findAllByRole("listitem")).map((each) => each.textContent)).toContain("Has the same number: +34 612 34 56 78");
  expect(screen.queryByRole("button", { name: en["packet.mergeContact"] })).toBeNull();
  client.setQueryData(keys.session, { agent: { ...AGENT, role: "supervisor" }, csrf_token: "" });
  await userEvent.click(await screen.findByRole("button", { name: en["packet.mergeContact"] }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: en["packet.mergeContact"] }));
  expect(answers.mergeContacts.mock.calls).toEqual([["other", "contact"]]);
});

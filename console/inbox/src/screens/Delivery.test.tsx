// @vitest-environment jsdom
import "../testing/dom";

import type { DeliveryOut } from "@centralita/shared/api";
import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { HubError } from "../api/http";
import * as hub from "../api/hub";
import { message } from "../testing/made";
import { show } from "../testing/show";
import { Text } from "../text";
import { en } from "../text/en";
import { es } from "../text/es";
import { Delivery, failure } from "./Delivery";

vi.mock("../api/hub");
const answers = vi.mocked(hub);
beforeEach(() => vi.resetAllMocks());

function shown(delivery: Partial<DeliveryOut>, fields: Parameters<typeof message>[0] = { id: "m" }) {
  const whole = { state: "sent" as const, error_code: "", error_text: "", ...delivery };
  show(<Delivery message={message({ kind: "outgoing", channel: "sms", inbox_id: "number", ...fields })} delivery={whole} />);
}

it.each(["queued", "sending", "sent", "delivered", "read"] as const)("%s is a sign with its word", (state) => {
  shown({ state });
  expect(screen.getByRole("img", { name: en[`delivery.${state}`] })).toBeTruthy();
});

it("says why a message failed: in words, else as the provider does, else by its code", () => {
  const text = new Text("es", es);
  const why = (error_code: string, error_text = "") => failure({ state: "failed", error_code, error_text }, text);
  expect(why("30003", "Unreachable destination handset")).toBe("El teléfono está apagado o fuera de cobertura");
  expect(why("39999", "Some carrier rule")).toBe("Some carrier rule");
  expect(why("39999")).toBe("39999");
});

it("sends what is lost in the unknown only after saying what that risks, as a message of its own", async () => {
  answers.send.mockResolvedValue(message({ id: "m2" }));
  shown({ state: "unknown", error_code: "timeout" }, { id: "m", text: "Your parcel is here" });
  await userEvent.click(screen.getByRole("button", { name: en["delivery.unknown"] }));
  expect(screen.getByText(en["delivery.risk"])).toBeTruthy();
  expect(answers.send).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: en["delivery.againAnyway"] }));
  expect(answers.send).toHaveBeenCalledOnce();
  expect(answers.send.mock.calls[0]?.[1]).toMatchObject({ kind: "reply", text: "Your parcel is here", inbox_id: "number" });
});

it("takes the files along, and says so where they cannot be had", async () => {
  const file = { id: "a", name: "parcel.png", media_type: "image/png", size: 3, url: "/files/a" };
  vi.stubGlobal("fetch", vi.fn().mockResolvedValueOnce(new Response("", { status: 410 })).mockResolvedValueOnce(new Response("png")));
  answers.upload.mockResolvedValue({ ...file, id: "b" });
  answers.send.mockResolvedValue(message({ id: "m2" }));
  shown({ state: "failed", error_code: "30003" }, { id: "m", attachments: [file] });
  await userEvent.click(screen.getByRole("button", { name: /Not delivered/ }));
  const again = screen.getByRole("button", { name: en["delivery.again"] });
  await userEvent.click(again);
  expect(screen.getByRole("alert").textContent).toBe(en["problem.network"]);
  expect(answers.send).not.toHaveBeenCalled();
  await userEvent.click(again);
  await vi.waitFor(() => expect(answers.send.mock.calls[0]?.[1].attachments).toEqual(["b"]));
  vi.unstubAllGlobals();
});

it("does not offer to write again to somebody who wants no messages", async () => {
  shown({ state: "failed", error_code: "do_not_contact" });
  await userEvent.click(screen.getByRole("button", { name: /does not want/ }));
  expect(screen.queryByRole("button", { name: en["delivery.again"] })).toBeNull();
});

it("keeps a refusal with the message that was to be sent", async () => {
  answers.send.mockRejectedValue(new HubError(409, { error_id: "do_not_contact", message: "", field: null, rule: null }));
  shown({ state: "failed", error_code: "30008" });
  await userEvent.click(screen.getByRole("button", { name: /Not delivered/ }));
  await userEvent.click(screen.getByRole("button", { name: en["delivery.again"] }));
  await vi.waitFor(() => expect(localStorage.getItem("centralita.unsent")).toContain("do_not_contact"));
});

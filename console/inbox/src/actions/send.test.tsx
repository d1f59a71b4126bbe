// @vitest-environment jsdom
import "../testing/dom";

import type { MessageOut } from "@centralita/shared/api";
import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { HubError } from "../api/http";
import * as hub from "../api/hub";
import { makeQueryClient } from "../api/queries";
import { message } from "../testing/made";
import { discard, forgetUnsent, newMessage, send, sendAgain, useUnsent } from "./send";

vi.mock("../api/hub");

const post = vi.mocked(hub).send;
const client = makeQueryClient();
const write = (text: string, conversationId = "c") => newMessage({ conversationId, kind: "reply", text, attachments: [], inboxId: null, identityId: null });
const away = new HubError(0, { error_id: "network", message: "", field: null, rule: null });
const noDatabase = new HubError(503, { error_id: "unavailable", message: "", field: null, rule: null });
const refused = new HubError(422, { error_id: "refused", message: "", field: "text", rule: "is too long" });

function unsent(conversationId = "c") {
  return renderHook(() => useUnsent(conversationId)).result.current.map(({ text, problem }) => [text, problem?.id ?? null]);
}

beforeEach(() => {
  act(forgetUnsent);
  post.mockReset();
});

it("keeps what failed, and sends it again under the same id", async () => {
  post.mockRejectedValueOnce(away);
  const first = write("hello");
  await act(() => send(client, first));
  expect(unsent()).toEqual([["hello", "network"]]);

  post.mockResolvedValueOnce(message({ id: "m", client_id: first.clientId }));
  await act(async () => {
    sendAgain(client);
    await vi.waitFor(() => expect(post).toHaveBeenCalledTimes(2));
  });
  expect(post.mock.calls.map(([, body]) => body.client_id)).toEqual([first.clientId, first.clientId]);
  expect(unsent()).toEqual([]);
});

it("does not repeat by itself what was refused", async () => {
  post.mockRejectedValueOnce(refused);
  await act(() => send(client, write("far too long")));
  sendAgain(client);
  expect(post).toHaveBeenCalledOnce();
  expect(unsent()).toEqual([["far too long", "refused"]]);
});

it("survives the page: what was under way when it closed is there, to be sent again", async () => {
  post.mockReturnValueOnce(new Promise(() => undefined));
  act(() => void send(client, write("half way", "never answered")));
  expect(unsent("never answered")).toEqual([["half way", null]]);
  vi.resetModules();
  const reloaded = await import("./send");
  const { result } = renderHook(() => reloaded.useUnsent("never answered"));
  expect(result.current.map(({ text, problem }) => [text, problem?.id])).toEqual([["half way", "network"]]);
});

it("forgets what is discarded", async () => {
  post.mockRejectedValueOnce(refused);
  const unwanted = write("never mind");
  await act(() => send(client, unwanted));
  act(() => discard(unwanted.clientId));
  expect(unsent()).toEqual([]);
  expect(localStorage.getItem("centralita.unsent")).toBe("[]");
});

it("sends what is written fast in its order: none before the one ahead of it has arrived", async () => {
  const answers: ((sent: MessageOut) => void)[] = [];
  post.mockImplementation(() => new Promise((answer) => answers.push(answer)));
  const [one, two, elsewhere] = [write("one"), write("two"), write("elsewhere", "d")];
  const arrived = [one, two, elsewhere].map((each) => send(client, each));
  await vi.waitFor(() => expect(post).toHaveBeenCalledTimes(2));
  expect(post.mock.calls.map(([, { text }]) => text)).toEqual(["one", "elsewhere"]);

  answers[1]?.(message({ id: "o", client_id: elsewhere.clientId }));
  await arrived[2];
  expect(post).toHaveBeenCalledTimes(2);
  answers[0]?.(message({ id: "m", client_id: one.clientId }));
  await vi.waitFor(() => expect(post.mock.lastCall?.[1].text).toBe("two"));
  expect(unsent()).toEqual([["two", null]]);
  answers[2]?.(message({ id: "n", client_id: two.clientId }));
  await Promise.all(arrived);
  expect(unsent()).toEqual([]);
});

it.each([away, noDatabase])("lets nothing pass what lost its way, and what was refused holds nothing up", async (problem) => {
  const sent: string[] = [];
  post.mockRejectedValueOnce(problem);
  await act(() => Promise.all([send(client, write("lost")), send(client, write("behind"))]));
  expect(unsent()).toEqual([
    ["lost", problem.id],
    ["behind", problem.id],
  ]);
  expect(post).toHaveBeenCalledOnce();

  post.mockImplementation((_, { text }) => {
    sent.push(text);
    return text === "behind" ? Promise.reject(refused) : Promise.resolve(message({ id: text }));
  });
  await act(() => send(client, write("later")));
  expect(sent).toEqual(["lost", "behind", "later"]);
  expect(unsent()).toEqual([["behind", "refused"]]);
});

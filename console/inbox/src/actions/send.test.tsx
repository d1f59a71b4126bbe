// @vitest-environment jsdom
import "../testing/dom";

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
const write = (text: string) => newMessage({ conversationId: "c", kind: "reply", text, attachments: [], inboxId: null, identityId: null });
const away = new HubError(0, { error_id: "network", message: "", field: null, rule: null });
const refused = new HubError(422, { error_id: "refused", message: "", field: "text", rule: "is too long" });

function unsent() {
  return renderHook(() => useUnsent("c")).result.current.map(({ text, problem }) => [text, problem?.id ?? null]);
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
  act(() => void send(client, write("half way")));
  expect(unsent()).toEqual([["half way", null]]);
  vi.resetModules();
  const reloaded = await import("./send");
  const { result } = renderHook(() => reloaded.useUnsent("c"));
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

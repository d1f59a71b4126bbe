// @vitest-environment jsdom
import "../testing/dom";

import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../api/hub";
import { makeQueryClient } from "../api/queries";
import { getDraft, setDraft } from "../session/drafts";
import { AGENT } from "../testing/made";
import { signIn } from "./signIn";

vi.mock("../api/hub");

const client = makeQueryClient();
const as = (id: string) => {
  vi.mocked(hub).signIn.mockResolvedValueOnce({ agent: { ...AGENT, id }, csrf_token: "token" });
  return signIn(client, "somebody@example.org", "secret");
};

beforeEach(async () => {
  await as("ana");
  setDraft("c", { kind: "reply", text: "half a sentence" });
});

it("finds one's own drafts again", async () => {
  await as("ana");
  expect(getDraft("c").text).toBe("half a sentence");
});

it("never shows somebody else's", async () => {
  await as("ben");
  expect(getDraft("c").text).toBe("");
  expect(Object.values(localStorage)).not.toContain("half a sentence");
});

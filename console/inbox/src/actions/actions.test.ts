import { describe, expect, it, vi } from "vitest";

import { HubError } from "../api/http";
import * as hub from "../api/hub";
import { conversationsQuery, keys, makeQueryClient } from "../api/queries";
import { rowsOf } from "../live/rows";
import { AGENT, conversation } from "../testing/made";
import { Text } from "../text";
import { en } from "../text/en";
import { es } from "../text/es";
import { ACTIONS } from ".";
import { explain } from "./explain";
import { setPriority } from "./setPriority";
import { snoozeChoices } from "./snooze";
import { take } from "./take";

vi.mock("../api/hub");

const english = new Text("en", en);
const answers = vi.mocked(hub);

function refusal(status: number, error_id: string, field: string | null = null, rule: string | null = null) {
  return new HubError(status, { error_id, message: error_id, field, rule });
}

function context() {
  return { conversation: conversation({ id: "c" }), me: AGENT, text: english, client: makeQueryClient() };
}

describe("explaining an error", () => {
  it("says what every error of the hub means, in both languages", () => {
    const ids = "not_signed_in forbidden not_found conflict already_taken too_large too_many unavailable network".split(" ");
    for (const text of [english, new Text("es", es)]) {
      for (const id of ids) expect(explain(refusal(400, id), text)).not.toMatch(/_|^Not found$/);
    }
  });

  it("names field and rule where the hub does", () => {
    const empty = refusal(422, "refused", "text", "must not be empty");
    expect(explain(empty, english)).toBe("Text: must not be empty");
    expect(explain(empty, new Text("es", es))).toBe("Texto: no puede estar vacío");
    expect(explain(refusal(422, "refused", "odd", "must be even"), english)).toBe("odd: must be even");
  });

  it("tells why something is not possible now", () => {
    expect(explain(refusal(409, "conflict"), english)).toBe("That is not possible as things stand now (conflict).");
  });

  it("does not hide what nobody expected", () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const bug = new TypeError("undefined is not a function");
    expect(explain(bug, english)).toBe("Something went wrong in the hub.");
    expect(reported).toHaveBeenCalledWith(bug);
    vi.unstubAllGlobals();
  });
});

describe("taking", () => {
  it("is offered for what nobody has", () => {
    expect(take.available(conversation({ id: "c", status: "waiting" }), AGENT)).toBe(true);
    expect(take.available(conversation({ id: "c", status: "assigned" }), AGENT)).toBe(false);
    expect(take.available(conversation({ id: "c", merged_into: "d" }), AGENT)).toBe(false);
  });

  it("says honestly who was faster, and shows the conversation as it is", async () => {
    const now = conversation({ id: "c", status: "assigned", assignee_id: "ben" });
    answers.conversation.mockResolvedValue({ conversation: now } as Awaited<ReturnType<typeof hub.conversation>>);
    answers.agents.mockResolvedValue({ items: [AGENT, { ...AGENT, id: "ben", name: "Ben Carter" }] });
    answers.conversations.mockResolvedValue({ items: [conversation({ id: "c" })], next: null });
    const at = context();
    const queue = conversationsQuery({ view: "queue", teamId: null, agentId: "ana" });
    await at.client.infiniteQuery(queue);
    expect(await take.explain?.(refusal(409, "already_taken"), at)).toBe(
      "Ben Carter was faster and has this conversation.",
    );
    const rows = at.client.getQueryData(queue.queryKey);
    expect(rows && rowsOf(rows)).toEqual([]);
  });

  it("says at least that somebody was, when even that cannot be read", async () => {
    answers.conversation.mockRejectedValue(refusal(0, "network"));
    expect(await take.explain?.(refusal(409, "already_taken"), context())).toBe(
      "Somebody was faster and has this conversation.",
    );
    expect(await take.explain?.(refusal(403, "forbidden"), context())).toBeNull();
  });
});

describe("setting the priority", () => {
  it("shows it at once and takes it back when it is refused", async () => {
    const at = context();
    const shown: string[] = [];
    at.client.setQueryData(keys.conversation("c"), { conversation: at.conversation });
    at.client.getQueryCache().subscribe(() => {
      const detail = at.client.getQueryData<{ conversation: { priority: string } }>(keys.conversation("c"));
      if (detail) shown.push(detail.conversation.priority);
    });
    answers.setPriority.mockRejectedValue(refusal(403, "forbidden"));
    await expect(setPriority.perform(at, "urgent")).rejects.toThrow("forbidden");
    expect(shown).toContain("urgent");
    expect(shown.at(-1)).toBe("none");
  });
});

describe("snoozing", () => {
  const labels = (now: Date) => snoozeChoices(now).map(({ label }) => label);

  it("always lies ahead, in the reader's own morning", () => {
    const late = new Date(2026, 10, 21, 23, 50);
    for (const { until } of snoozeChoices(late)) expect(until.getTime()).toBeGreaterThan(late.getTime());
    expect(snoozeChoices(late)[2]?.until).toEqual(new Date(2026, 10, 22, 9));
  });

  it("offers Monday unless that is tomorrow", () => {
    expect(labels(new Date(2026, 10, 21, 12))).toContain("snooze.monday");
    expect(labels(new Date(2026, 10, 22, 12))).not.toContain("snooze.monday");
    expect(snoozeChoices(new Date(2026, 10, 23, 12)).at(-1)?.until).toEqual(new Date(2026, 10, 30, 9));
  });
});

describe("the actions", () => {
  it("have names and keys of their own", () => {
    const keysInUse = ACTIONS.flatMap(({ shortcut }) => shortcut ?? []);
    expect(new Set(keysInUse).size).toBe(keysInUse.length);
    expect(new Set(ACTIONS.map(({ name }) => name)).size).toBe(ACTIONS.length);
    for (const key of keysInUse) expect("jkrn?").not.toContain(key);
  });

  it("leave a merged conversation alone", () => {
    const merged = conversation({ id: "c", merged_into: "d" });
    const administrator = { ...AGENT, role: "administrator" as const };
    expect(ACTIONS.filter((action) => action.available(merged, administrator))).toEqual([]);
  });
});

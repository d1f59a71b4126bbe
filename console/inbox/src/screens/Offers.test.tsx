// @vitest-environment jsdom
import "../testing/dom";

import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import * as hub from "../api/hub";
import { AGENT, conversation } from "../testing/made";
import { show } from "../testing/show";
import { Offers } from "./Offers";

vi.mock("../api/hub");
const navigate = vi.hoisted(() => vi.fn());
vi.mock("@tanstack/react-router", () => ({ useNavigate: () => navigate }));
const answers = vi.mocked(hub);

function offer(id: string, agentId = AGENT.id) {
  return conversation({ id, offered_to: agentId, offered_until: new Date(Date.now() + 20_000).toISOString() });
}

beforeEach(() => {
  vi.resetAllMocks();
  answers.offers.mockResolvedValue({ items: [offer("first"), offer("second"), offer("theirs", "ben")], next: null });
});

it.each([
  ["KeyA", "acceptOffer", "first"],
  ["KeyD", "declineOffer", "first"],
] as const)("Alt and %s answer the first offer, also from a field", async (code, verb, id) => {
  show(
    <>
      <input aria-label="anything" />
      <Offers />
    </>,
  );
  await screen.findAllByRole("button");
  expect(screen.getAllByRole("button")).toHaveLength(4);
  const field = screen.getByLabelText("anything");
  for (const wrong of [{}, { altKey: true, ctrlKey: true }, { altKey: true, metaKey: true }, { altKey: true, repeat: true }])
    fireEvent.keyDown(field, { code, ...wrong });
  expect(answers[verb]).not.toHaveBeenCalled();
  fireEvent.keyDown(field, { code, altKey: true });
  await waitFor(() => expect(answers[verb]).toHaveBeenCalledExactlyOnceWith(id));
  await waitFor(() => expect(navigate).toHaveBeenCalledTimes(verb === "acceptOffer" ? 1 : 0));
});

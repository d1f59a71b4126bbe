// @vitest-environment jsdom
import "../testing/dom";

import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import * as knowledge from "../api/knowledge";
import { makeQueryClient } from "../api/queries";
import { show } from "../testing/show";
import { KnowledgeQuestions, KnowledgeTopics } from "./KnowledgeParts";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#there">{children as string}</a> }));
vi.mock("./KnowledgeTabs", () => ({ KnowledgeTabs: () => null }));

const TOPIC = { id: "c1", names: { en: "Delivery", es: "Envío", fr: "Livraison" }, position: 3 };
const QUESTION = { id: "q1", text: "Where is it?", locale: "en", article_id: "a9" };

beforeEach(() => {
  vi.restoreAllMocks();
});

it("renames a topic, and keeps its place and its names in other languages", async () => {
  const client = makeQueryClient();
  client.setQueryData(knowledge.categoriesQuery.queryKey, { items: [TOPIC] });
  vi.spyOn(client, "invalidateQueries").mockResolvedValue();
  const change = vi.spyOn(knowledge, "changeCategory").mockResolvedValue({ items: [TOPIC] });
  const add = vi.spyOn(knowledge, "addCategory");
  show(<KnowledgeTopics />, client);
  fireEvent.click(screen.getByRole("button", { name: "Rename the topic Delivery" }));
  const field = screen.getByRole("textbox", { name: "Name in English" });
  expect(document.activeElement).toBe(field);
  fireEvent.change(field, { target: { value: "Parcels" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(change).toHaveBeenCalled());
  expect(change).toHaveBeenCalledWith("c1", { names: { en: "Parcels", es: "Envío", fr: "Livraison" }, position: 3 });
  expect(add).not.toHaveBeenCalled();
});

it("changes a test question, whose article stays where the list does not have it", async () => {
  const client = makeQueryClient();
  const outcomes = [{ question: QUESTION, right: true, answered: true, found: null }];
  const before = { recall: 1, recall_3: 1, precision: 1, answered: 1, outcomes };
  client.setQueryData(knowledge.trialQuery.queryKey, { checked: true, before } as never);
  vi.spyOn(client, "invalidateQueries").mockResolvedValue();
  const change = vi.spyOn(knowledge, "changeQuestion").mockResolvedValue({ items: [QUESTION] });
  show(<KnowledgeQuestions />, client);
  fireEvent.click(screen.getByRole("button", { name: "Change the question: Where is it?" }));
  fireEvent.change(screen.getByRole("textbox", { name: "A customer asks" }), { target: { value: "Where is my parcel?" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(change).toHaveBeenCalled());
  expect(change).toHaveBeenCalledWith("q1", { text: "Where is my parcel?", locale: "en", article_id: "a9" });
  expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
});

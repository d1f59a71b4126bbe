// @vitest-environment jsdom
import "../testing/dom";

import { fireEvent, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { message } from "../testing/made";
import { show } from "../testing/show";
import { en } from "../text/en";
import { Attachments, filesOf, type FileView } from "./Attachments";

const picture = (id: string): FileView => ({
  ...{ id, name: `${id}.jpg`, mediaType: "image/jpeg", size: 1000 },
  ...{ state: "ready", url: `/files/${id}`, reason: "" },
});

it("shows what is here, what is on its way, and why something will not come", () => {
  const files = filesOf(
    message({
      id: "m",
      attachments: [{ id: "a", name: "bill.pdf", media_type: "application/pdf", size: 2_000, url: "/files/a" }],
      missing_media: [
        { id: "p", state: "pending", media_type: "image/jpeg", name: "", reason: "" },
        { id: "r", state: "refused", media_type: "video/mp4", name: "long.mp4", reason: "too_large" },
        { id: "o", state: "refused", media_type: "", name: "", reason: "20404" },
      ],
    }),
  );
  show(<Attachments files={files} again={() => undefined} />);
  expect(screen.getByRole("link", { name: /bill.pdf/ }).getAttribute("href")).toBe("/files/a");
  expect(screen.getByRole("status").textContent).toContain(en["media.pending"]);
  expect(screen.getByText(/it is too large/)).toBeTruthy();
  expect(screen.getByText(/20404/)).toBeTruthy();
});

it("opens pictures large, turns the pages by the arrows and closes by Escape", async () => {
  show(<Attachments files={[picture("one"), picture("two")]} again={() => undefined} />);
  await userEvent.click(screen.getByRole("button", { name: "Enlarge one.jpg" }));
  const dialog = await screen.findByRole("dialog");
  const seen = () => within(dialog).getByRole("img").getAttribute("alt");
  expect(seen()).toBe("one.jpg");
  await userEvent.keyboard("{ArrowLeft}");
  expect(seen()).toBe("one.jpg");
  await userEvent.keyboard("{ArrowRight}");
  expect(seen()).toBe("two.jpg");
  expect(within(dialog).getByRole("button", { name: en["media.next"] }).hasAttribute("disabled")).toBe(true);
  await userEvent.keyboard("{Escape}");
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

it("says that a picture could not be loaded, and asks for its address anew", async () => {
  const again = vi.fn();
  const { container } = show(<Attachments files={[picture("one")]} again={again} />);
  const image = container.querySelector("img");
  if (image) fireEvent.error(image);
  expect(screen.getByRole("alert").textContent).toContain("one.jpg could not be loaded");
  await userEvent.click(screen.getByRole("button", { name: en["pane.again"] }));
  expect(again).toHaveBeenCalledOnce();
});

/** What may be attached, said before the upload and in words. */
import type { Settings } from "./types";
import type { Words } from "./words";

export const FILES_PER_MESSAGE = 5;

/** Megabytes as people read them, with one decimal. */
export function size(bytes: number, language: string): string {
  return `${Math.max(bytes / 1e6, 0.1).toLocaleString(language, { maximumFractionDigits: 1 })} MB`;
}

/** Why this file cannot be sent; empty where it can. */
export function objection(
  file: { name: string; size: number; type: string },
  { attachment_limit, media_types }: Settings,
  words: Words,
  language: string,
): string {
  if (!media_types.includes(file.type))
    return words.wrongType(file.name, media_types.map(kind).join(", "));
  if (file.size <= attachment_limit) return "";
  return words.tooLarge(file.name, size(file.size, language), size(attachment_limit, language));
}

/** `image/png` is PNG to everybody; `text/plain` is TXT. */
function kind(media_type: string): string {
  return media_type.replace("plain", "txt").replace(/.*\//, "").toUpperCase();
}

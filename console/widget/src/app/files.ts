/** What may be attached, said before the upload and in words. */
import type { Settings } from "./types";
import type { Words } from "./words";

export const FILES_PER_MESSAGE = 5;

export function size(bytes: number, language: string): string {
  const large = bytes >= 1_000_000;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: large ? "megabyte" : "kilobyte",
    maximumFractionDigits: large ? 1 : 0,
  }).format(Math.max(bytes / (large ? 1_000_000 : 1000), large ? 0 : 1));
}

/** Why this file cannot be sent, or null. */
export function objection(
  file: { name: string; size: number; type: string },
  { attachment_limit, media_types }: Settings,
  words: Words,
  language: string,
): string | null {
  if (!media_types.includes(file.type)) {
    const kinds = media_types.map((type) => (type.startsWith("image/") ? words.images : suffix(type)));
    return words.wrongType(file.name, [...new Set(kinds)].join(", "));
  }
  if (file.size > attachment_limit)
    return words.tooLarge(file.name, size(file.size, language), size(attachment_limit, language));
  return null;
}

function suffix(type: string): string {
  return type === "text/plain" ? "TXT" : (type.split("/")[1] ?? type).toUpperCase();
}

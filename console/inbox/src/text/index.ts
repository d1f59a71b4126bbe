import { createContext, use } from "react";

import { en } from "./en";

export type Key = keyof typeof en;
export type Dictionary = Record<Key, string>;
/** Keys that come as `….one` and `….other`. */
export type CountedKey = Key extends infer K ? (K extends `${infer Stem}.one` ? Stem : never) : never;
type Blanks<Sentence> = Sentence extends `${string}{${infer Name}}${infer Rest}` ? Name | Blanks<Rest> : never;
/** Keys whose sentence stands as it is. */
export type PlainKey = Key extends infer K ? (K extends Key ? ([Blanks<(typeof en)[K]>] extends [never] ? K : never) : never) : never;
type Fill<K extends Key> = [Blanks<(typeof en)[K]>] extends [never]
  ? []
  : [values: Record<Blanks<(typeof en)[K]>, string | number>];

export const LANGUAGES = ["en", "es"] as const;
export type Language = (typeof LANGUAGES)[number];

function filled(sentence: string, values: Record<string, string | number> | undefined): string {
  return values ? sentence.replace(/\{(\w+)\}/g, (blank, name: string) => String(values[name] ?? blank)) : sentence;
}

/** The app's sentences in one language. */
export class Text {
  /** How dates and numbers are written. */
  readonly locale: string;
  private readonly plural: Intl.PluralRules;
  private readonly languageNames: Intl.DisplayNames;

  constructor(
    readonly language: Language,
    private readonly dictionary: Dictionary,
  ) {
    // Spanish of Mexico or English of Britain write dates and times in their own way.
    this.locale = navigator.languages.find((locale) => locale.startsWith(language)) ?? language;
    this.plural = new Intl.PluralRules(language);
    this.languageNames = new Intl.DisplayNames([language], { type: "language" });
  }

  t = <K extends Key>(key: K, ...[values]: Fill<K>): string => filled(this.dictionary[key], values);

  /** A sentence that depends on a count. */
  counted = (key: CountedKey, count: number): string => {
    const form = this.plural.select(count) === "one" ? "one" : "other";
    return filled(this.dictionary[`${key}.${form}`], { count });
  };

  /** For words that the hub may add to at any time (reasons, slots, channels): its own word, made readable. */
  word = (group: string, name: string): string =>
    this.known(group, name) ?? this.capital(name.replaceAll("_", " ").trim());

  /** Where the hub's own word would say nothing to a reader: null for one that is not in the dictionary. */
  known = (group: string, name: string): string | null => {
    const key = `${group}.${name}`;
    return Object.hasOwn(this.dictionary, key) ? this.dictionary[key as Key] : null;
  };

  /** A language's name as it stands within a sentence: lower case in Spanish. */
  languageWord = (code: string): string => {
    try {
      return this.languageNames.of(code) ?? code;
    } catch {
      return code;
    }
  };

  languageName = (code: string): string => this.capital(this.languageWord(code));

  private capital(word: string): string {
    return word.charAt(0).toLocaleUpperCase(this.language) + word.slice(1);
  }
}

/** A language's sentences; Spanish is loaded only by those who use it. */
export async function loadText(language: Language): Promise<Text> {
  return new Text(language, language === "en" ? en : (await import("./es")).es);
}

const STORED = "centralita.language";

export function preferredLanguage(fallback: string): Language {
  const wanted = localStorage.getItem(STORED) ?? fallback.slice(0, 2);
  return LANGUAGES.find((language) => language === wanted) ?? "en";
}

export function rememberLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
}

export const TextContext = createContext<Text>(new Text("en", en));

export function useText(): Text {
  return use(TextContext);
}

export const ChooseLanguage = createContext<(language: Language) => void>(() => undefined);

import { describe, expect, it } from "vitest";

import { loadText, Text, type Key } from ".";
import { en } from "./en";
import { es } from "./es";

const blanks = (sentence: string) => [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("the dictionaries", () => {
  it("have the same keys, in the same order, and leave none empty", () => {
    expect(Object.keys(es)).toEqual(Object.keys(en));
    for (const dictionary of [en, es]) for (const [key, sentence] of Object.entries(dictionary)) expect(sentence, key).not.toBe("");
  });

  it("fill in the same blanks", () => {
    for (const key of Object.keys(en) as Key[]) expect(blanks(es[key]), key).toEqual(blanks(en[key]));
  });

  it("have both forms of whatever is counted", () => {
    const stems = (form: string) => Object.keys(en).filter((key) => key.endsWith(form)).map((key) => key.slice(0, -form.length));
    expect(stems(".one")).toEqual(stems(".other"));
  });

  it("do not forget to translate", () => {
    // The same in both languages on purpose.
    const same = ["app.name", "channel.sms", "channel.whatsapp", "channel.slack", "channel.telegram", "channel.line", "channel.messenger", "channel.instagram", "intent.deny", "part.bot", "detail.error"];
    const allowed = (key: Key) => same.includes(key) || /^(thread\.(bot|system|ticket)|packet\.byBot|list\.bot|time\.|problem\.rule|composer\.uploadFailed|sms\.count|media\.of|files\.(csv|zendesk|chatwoot)$)/.test(key);
    const forgotten = (Object.keys(en) as Key[]).filter((key) => en[key] === es[key] && !allowed(key));
    expect(forgotten).toEqual([]);
  });
});

describe("sentences", () => {
  const text = new Text("en", en);

  it("fill in, count and read words that the hub adds", async () => {
    expect(text.t("take.faster", { name: "Ben" })).toBe("Ben was faster and has this conversation.");
    expect(text.counted("thread.newMessages", 1)).toBe("1 new message");
    expect(text.counted("thread.newMessages", 0)).toBe("0 new messages");
    expect((await loadText("es")).counted("time.days", 2)).toBe("2 días");
    expect(text.word("reason", "bot_timeout")).toBe("The bot did not answer in time");
    expect(text.word("reason", "wants_a_discount")).toBe("Wants a discount");
  });

  it("take what customers wrote as it is", () => {
    expect(text.t("list.you", { text: "{text} $& {name}" })).toBe("You: {text} $& {name}");
  });

  it("name languages as each language does", async () => {
    expect(text.languageName("es")).toBe("Spanish");
    const spanish = await loadText("es");
    expect([spanish.languageName("en"), spanish.languageWord("en")]).toEqual(["Inglés", "inglés"]);
    expect(text.languageName("not a code")).toBe("Not a code");
  });
});

/** The messages, oldest first, with what happened between them. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat";
import { Icon } from "./icon";
import { pieces } from "./links";
import { isBubble, type Bubble, type Item, type State } from "./store";
import { size } from "./files";
import type { Attachment } from "./types";
import type { Words } from "./words";

interface Props {
  chat: Chat;
  state: State;
  words: Words;
}

export function Log({ chat, state, words }: Props) {
  const { items, outgoing, settings, language, typing } = state;
  const all: Item[] = [...items, ...outgoing];
  const last = all.at(-1);
  const mine = all.findLast((item) => isBubble(item) && item.sender === "me");
  const box = useRef<HTMLDivElement>(null);
  const [below, setBelow] = useState(false);

  // The box is laid out from its bottom (style.css), so that 0 is the newest message and the browser itself stays there.
  useLayoutEffect(() => {
    if (!box.current || !last) return;
    if (isBubble(last) && last.on_its_way) box.current.scrollTop = 0;
    else if (box.current.scrollTop < -60) setBelow(true);
  }, [last]);

  const greeting = settings?.greeting[language];
  const quick = mine ? [] : (settings?.quick_replies[language] ?? []);
  const asked = last && isBubble(last) && last.sender !== "me" ? last : null;

  return (
    <div class="log" ref={box} onScroll={() => box.current && box.current.scrollTop > -60 && setBelow(false)}>
      {/* A scrolling region is within reach of the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div role="log" aria-label={words.log} tabIndex={0} class="inner">
        {greeting && (
          <div class="row them">
            <div class="bubble">
              <Text text={greeting} />
            </div>
          </div>
        )}
        {all.map((item, index) => (
          <Row
            key={(isBubble(item) && item.client_id) || item.id}
            chat={chat}
            item={item}
            previous={all[index - 1]}
            next={all[index + 1]}
            state={state}
            words={words}
            lastOfMine={item === mine}
          />
        ))}
        {typing !== null && (
          <div class="row them">
            <div class="bubble typing">
              <span class="hidden">{words.typing(typing)}</span>
              <i />
              <i />
              <i />
            </div>
          </div>
        )}
        <div class="offers">
          {quick.map((text) => (
            <button key={text} onClick={() => chat.send(text)}>
              {text}
            </button>
          ))}
          {asked?.buttons?.map(({ title, payload }) => (
            <button key={payload} onClick={() => chat.send(title, [], { payload, reply_to: asked.id })}>
              {title}
            </button>
          ))}
        </div>
      </div>
      {below && (
        <button class="below" onClick={() => box.current && (box.current.scrollTop = 0)}>
          <Icon name="down" />
          {words.latest}
        </button>
      )}
    </div>
  );
}

interface RowProps extends Props {
  item: Item;
  previous: Item | undefined;
  next: Item | undefined;
  lastOfMine: boolean;
}

function Row({ chat, item, previous, next, state, words, lastOfMine }: RowProps) {
  const { language } = state;
  const day = dayOf(item.at);
  const newDay = previous ? dayOf(previous.at) !== day : day !== dayOf(new Date().toISOString());
  const separator = newDay && (
    <p class="line day">
      {new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" }).format(new Date(item.at))}
    </p>
  );
  if (!isBubble(item))
    return (
      <>
        {separator}
        <p class="line">{item.happened === "joined" ? words.joined(item.name) : words.closed}</p>
      </>
    );
  if (item.sender === "system")
    return (
      <>
        {separator}
        <p class="line">
          <Text text={item.text} />
        </p>
      </>
    );
  const me = item.sender === "me";
  const name = me ? words.you : item.author_name || words.assistant;
  const begins = newDay || !together(previous, item);
  const ends = !together(item, next);
  return (
    <>
      {separator}
      <div class={`row ${me ? "me" : "them"} ${begins ? "begins" : ""} ${item.on_its_way ?? ""}`}>
        {begins && <span class={me ? "hidden" : "author"}>{name}</span>}
        {item.attachments?.map((each) => (
          <File key={each.id} file={each} language={language} />
        ))}
        {item.text && (
          <div class="bubble">
            <Text text={item.text} />
          </div>
        )}
        {item.citation && (
          <details class="source">
            <summary>
              {words.source}: {item.citation.title} <small>({words.version(item.citation.version)})</small>
            </summary>
            <blockquote lang={item.citation.locale}>{item.citation.passage}</blockquote>
          </details>
        )}
        {item.pending && item.on_its_way === "failed" ? (
          <Failed chat={chat} bubble={item} words={words} />
        ) : (
          (ends || lastOfMine) && (
            <span class="meta">
              <time dateTime={item.at}>
                {new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(new Date(item.at))}
              </time>
              {me && (lastOfMine || item.on_its_way) && ` · ${progress(item, state, words)}`}
            </span>
          )
        )}
      </div>
    </>
  );
}

function Failed({ chat, bubble, words }: { chat: Chat; bubble: Bubble; words: Words }) {
  const { pending } = bubble;
  return (
    <span class="meta error" role="alert">
      {words.failed}
      {bubble.problem && `: ${bubble.problem}`}{" "}
      <button class="link" onClick={() => pending && chat.retry(pending)}>
        {words.again}
      </button>{" "}
      <button class="link" onClick={() => pending && chat.discard(pending)}>
        {words.discard}
      </button>
    </span>
  );
}

function File({ file, language }: { file: Attachment; language: string }) {
  const image = file.media_type.startsWith("image/");
  return (
    <a class={image ? "picture" : "file"} href={file.url} target="_blank" rel="noopener noreferrer">
      {image ? (
        <img src={file.url} alt={file.name} loading="lazy" />
      ) : (
        <>
          <Icon name="file" />
          <span>{file.name}</span> <small>{size(file.size, language)}</small>
        </>
      )}
    </a>
  );
}

function Text({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map(({ text: words, href }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {words}
          </a>
        ) : (
          words
        ),
      )}
    </>
  );
}

function progress(bubble: Bubble, { connection }: State, words: Words): string {
  if (bubble.on_its_way) return connection === "live" || connection === "polling" ? "…" : words.waiting;
  if (bubble.delivery === "read") return words.read;
  return bubble.delivery === "delivered" ? words.delivered : words.sent;
}

function together(one: Item | undefined, other: Item | undefined): boolean {
  return (
    !!one &&
    !!other &&
    isBubble(one) &&
    isBubble(other) &&
    one.sender === other.sender &&
    one.author_name === other.author_name &&
    one.on_its_way !== "failed" &&
    dayOf(one.at) === dayOf(other.at) &&
    Date.parse(other.at) - Date.parse(one.at) < 300_000
  );
}

function dayOf(at: string): string {
  return new Date(at).toDateString();
}

/** The messages, oldest first, with what happened between them. */
import { Component } from "preact";
import { size } from "./files";
import { pieces } from "./links";
import type { Props } from "./screen";
import { TextUs } from "./textus";
import { isBubble, type Bubble, type Item, type State } from "./store";
import type { Attachment } from "./types";
import type { Words } from "./words";

/** Pixels that somebody may have scrolled up and still be at the newest message. */
const NEAR = 60;

export class Log extends Component<Props, { below: boolean }> {
  override state = { below: false };
  private box: HTMLDivElement | null = null;

  // The box is laid out from its bottom (style.css): 0 is the newest message, and the browser itself stays there.
  override componentDidUpdate(before: Props): void {
    const { items, outgoing } = this.props.state;
    if (outgoing.length > before.state.outgoing.length) this.down();
    else if (items.length > before.state.items.length && this.away()) this.setState({ below: true });
  }

  private readonly down = () => this.box?.scrollTo({ top: 0 });

  private away(): boolean {
    return !!this.box && this.box.scrollTop < -NEAR;
  }

  override render({ chat, state, words }: Props, { below }: { below: boolean }) {
    const { items, outgoing, settings, language, typing } = state;
    const all: Item[] = [...items, ...outgoing];
    const last = all.at(-1);
    const mine = all.findLast((item) => isBubble(item) && item.sender === "me");
    const greeting = settings?.greeting[language];
    const quick = mine ? [] : settings?.quick_replies[language];
    return (
      <div
        class="log"
        ref={(box) => {
          this.box = box;
        }}
        onScroll={() => below && !this.away() && this.setState({ below: false })}
      >
        {/* A scrolling region is within reach of the keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div role="log" aria-label={words.log} tabIndex={0} class="inner">
          {greeting && <Spoken text={greeting} />}
          <TextUs {...{ settings, words }} />
          {all.map((item, index) => (
            <Row
              key={(isBubble(item) && item.client_id) || item.id}
              {...{ chat, state, words, item }}
              previous={all[index - 1]}
              next={all[index + 1]}
              lastOfMine={item === mine}
            />
          ))}
          {typing !== null && (
            <div class="bubble typing">
              <span class="hidden">{words.typing(typing)}</span>
              <i />
              <i />
              <i />
            </div>
          )}
          <div class="offers">
            {quick?.map((text) => (
              <button key={text} onClick={() => chat.send(text)}>
                {text}
              </button>
            ))}
            {last &&
              isBubble(last) &&
              last.buttons.map(({ title, payload }) => (
                <button key={payload} onClick={() => chat.send(title, [], { payload, reply_to: last.id })}>
                  {title}
                </button>
              ))}
          </div>
        </div>
        {below && (
          <button class="below" onClick={this.down}>
            {words.latest}
          </button>
        )}
      </div>
    );
  }
}

interface RowProps extends Props {
  item: Item;
  previous: Item | undefined;
  next: Item | undefined;
  lastOfMine: boolean;
}

function Row({ chat, item, previous, next, state, words, lastOfMine }: RowProps) {
  const { language } = state;
  const at = new Date(item.at);
  const newDay = dayOf(item) !== (previous ? dayOf(previous) : new Date().toDateString());
  const day = newDay && (
    <p class="line">
      {at.toLocaleDateString(language, { weekday: "long", day: "numeric", month: "long" })}
    </p>
  );
  if (!isBubble(item) || item.sender === "system")
    return (
      <>
        {day}
        <p class="line">
          {isBubble(item) ? <Text text={item.text} /> : item.name ? words.joined(item.name) : words.closed}
        </p>
      </>
    );
  const { citation, pending, on_its_way } = item;
  const me = item.sender === "me";
  const begins = newDay || !together(previous, item);
  return (
    <>
      {day}
      <div class={`row ${item.sender} ${begins ? "begins" : ""} ${on_its_way ?? ""}`}>
        {begins && (
          <span class={me ? "hidden" : "author"}>{me ? words.you : item.author_name || words.assistant}</span>
        )}
        {item.attachments.map((each) => (
          <Shown key={each.id} file={each} language={language} />
        ))}
        {item.text && <Spoken text={item.text} />}
        {citation && (
          <details>
            <summary>
              {words.source}: {citation.title} ({words.version(citation.version)})
            </summary>
            <blockquote lang={citation.locale}>{citation.passage}</blockquote>
          </details>
        )}
        {pending && on_its_way === "failed" ? (
          <span class="error" role="alert">
            {words.failed}. {item.problem}{" "}
            <button class="link" onClick={() => chat.retry(pending)}>
              {words.again}
            </button>{" "}
            <button class="link" onClick={() => chat.discard(pending)}>
              {words.discard}
            </button>
          </span>
        ) : (
          (lastOfMine || !together(item, next)) && (
            <span class="meta">
              <time dateTime={item.at}>{at.toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" })}</time>
              {me && (lastOfMine || on_its_way) && ` · ${progress(item, state, words)}`}
            </span>
          )
        )}
      </div>
    </>
  );
}

function Shown({ file, language }: { file: Attachment; language: string }) {
  const image = file.media_type.startsWith("image/");
  return (
    <a class={image ? "picture" : "file"} href={file.url} target="_blank" rel="noopener noreferrer">
      {image ? <img src={file.url} alt={file.name} /> : `${file.name} (${size(file.size, language)})`}
    </a>
  );
}

function Spoken({ text }: { text: string }) {
  return (
    <div class="bubble">
      <Text text={text} />
    </div>
  );
}

function Text({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map(({ text: words, href }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer">
            {words}
          </a>
        ) : (
          words
        ),
      )}
    </>
  );
}

function progress({ on_its_way, delivery }: Bubble, { connection }: State, words: Words): string {
  if (on_its_way) return connection === "offline" ? words.waiting : "…";
  return delivery === "read" || delivery === "delivered" ? words[delivery] : words.sent;
}

function together(one: Item | undefined, other: Item | undefined): boolean {
  return (
    !!one &&
    !!other &&
    isBubble(one) &&
    isBubble(other) &&
    one.sender === other.sender &&
    one.author_name === other.author_name &&
    dayOf(one) === dayOf(other) &&
    Date.parse(other.at) - Date.parse(one.at) < 300_000
  );
}

function dayOf({ at }: Item): string {
  return new Date(at).toDateString();
}

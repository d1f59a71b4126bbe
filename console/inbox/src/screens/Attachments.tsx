import { UnstyledButton } from "@mantine/core";
import type { MessageOut } from "@centralita/shared/api";
import { useState } from "react";

import { fileSize } from "../format/number";
import { IconFile, IconLoader2, IconPhotoOff, IconRefresh } from "../parts/icons";
import { useText } from "../text";
import classes from "./Attachments.module.css";
import { Lightbox } from "./Lightbox";

/** A file of a message: here, still with the provider, or one that will not come and why. */
export interface FileView {
  id: string;
  name: string;
  mediaType: string;
  /** Bytes; 0 where nobody has said. */
  size: number;
  state: "ready" | "pending" | "refused";
  /** Of a file that is here. */
  url: string;
  /** Of a file that was refused: the hub's word for it. */
  reason: string;
}

/** Those that are here first, in their order. */
export function filesOf({ attachments, missing_media: missing }: MessageOut): FileView[] {
  const here = attachments.map(({ id, name, media_type, size, url }) => ({ id, name, mediaType: media_type, size, url }));
  return [
    ...here.map((file) => ({ ...file, state: "ready" as const, reason: "" })),
    ...missing.map(({ id, name, media_type, state, reason }) => ({ id, name, mediaType: media_type, size: 0, url: "", state, reason })),
  ];
}

export function isPicture({ mediaType }: FileView): boolean {
  return /^image\/(png|jpeg|gif|webp|avif)$/.test(mediaType);
}

/** `again` has the addresses of files signed anew: they expire, and a page may stand open for days. */
export function Attachments({ files, again }: { files: FileView[]; again: () => void }) {
  const [open, setOpen] = useState<number | null>(null);
  if (files.length === 0) return null;
  const pictures = files.filter((file) => file.state === "ready" && isPicture(file));
  return (
    <>
      <ul className={classes.attachments}>
        {files.map((file) => (
          <li key={file.id}>
            {file.state === "pending" && <Pending file={file} />}
            {file.state === "refused" && <Refused file={file} />}
            {file.state === "ready" &&
              (isPicture(file) ? (
                <Picture key={file.url} file={file} again={again} onOpen={() => setOpen(pictures.indexOf(file))} />
              ) : (
                <Download file={file} />
              ))}
          </li>
        ))}
      </ul>
      <Lightbox pictures={pictures} shown={open} show={setOpen} />
    </>
  );
}

function Download({ file }: { file: FileView }) {
  const text = useText();
  return (
    <a href={file.url} target="_blank" rel="noopener noreferrer" className={classes.card}>
      <IconFile size={18} aria-hidden />
      <span className={classes.name}>{file.name}</span>
      <span className={classes.soft}>{fileSize(file.size, text)}</span>
    </a>
  );
}

function Picture({ file, again, onOpen }: { file: FileView; again: () => void; onOpen: () => void }) {
  const { t } = useText();
  const [state, setState] = useState<"loading" | "shown" | "failed">("loading");
  if (state === "failed") {
    return (
      <div className={classes.card} data-state="failed" role="alert">
        <IconPhotoOff size={18} aria-hidden />
        <span className={classes.words}>{t("media.failed", { name: file.name })}</span>
        <UnstyledButton
          className={classes.again}
          onClick={() => {
            setState("loading");
            again();
          }}
        >
          <IconRefresh size={15} aria-hidden /> {t("pane.again")}
        </UnstyledButton>
      </div>
    );
  }
  return (
    <UnstyledButton
      className={classes.picture}
      data-state={state}
      aria-label={t("media.enlarge", { name: file.name })}
      aria-haspopup="dialog"
      onClick={onOpen}
    >
      {/* Its name is the button's. */}
      <img src={file.url} alt="" loading="lazy" onLoad={() => setState("shown")} onError={() => setState("failed")} />
    </UnstyledButton>
  );
}

function Pending({ file }: { file: FileView }) {
  const text = useText();
  return (
    <div className={classes.card} data-state="pending" role="status">
      <IconLoader2 size={18} className={classes.turning} aria-hidden />
      <span className={classes.words}>
        {text.t("media.pending")}
        <span className={classes.soft}>{about(file, text)}</span>
      </span>
    </div>
  );
}

function Refused({ file }: { file: FileView }) {
  const text = useText();
  return (
    <div className={classes.card} data-state="refused">
      <IconPhotoOff size={18} aria-hidden />
      <span className={classes.words}>
        {text.t("media.refused", { why: text.word("mediaReason", file.reason) })}
        <span className={classes.soft}>{about(file, text)}</span>
      </span>
    </div>
  );
}

function about(file: FileView, text: ReturnType<typeof useText>): string {
  return [file.name || file.mediaType, file.size > 0 && fileSize(file.size, text)].filter(Boolean).join(" · ");
}

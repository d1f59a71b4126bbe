import { Button, Popover, UnstyledButton } from "@mantine/core";
import type { DeliveryOut, MessageOut } from "@centralita/shared/api";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { explain } from "../actions/explain";
import { sendAgain } from "../actions/sendAgain";
import { IconAlertCircle, IconCheck, IconChecks, IconClock, IconHelpCircle, IconRefresh, type Icon } from "../parts/icons";
import { useText, type Text } from "../text";
import classes from "./Delivery.module.css";

const SIGNS: Record<DeliveryOut["state"], Icon> = {
  queued: IconClock,
  sending: IconClock,
  sent: IconCheck,
  delivered: IconChecks,
  read: IconChecks,
  failed: IconAlertCircle,
  unknown: IconHelpCircle,
};

/** Why a message did not arrive, in words where we have them; else what the provider said of it, else its code. */
export function failure({ error_code: code, error_text: said }: DeliveryOut, { known }: Text): string {
  return known("deliveryError", code) ?? (said || code);
}

/** How far a message has come. What went wrong, or may have, is explained and can be sent again. */
export function Delivery({ message, delivery }: { message: MessageOut; delivery: DeliveryOut }) {
  const text = useText();
  const { t } = text;
  const Sign = SIGNS[delivery.state];
  if (delivery.state !== "failed" && delivery.state !== "unknown") {
    const words = t(`delivery.${delivery.state}`);
    return (
      <span className={classes.delivery} data-state={delivery.state} title={words}>
        <Sign size={15} role="img" aria-label={words} />
      </span>
    );
  }
  const why = failure(delivery, text);
  const words = delivery.state === "failed" && why ? t("delivery.failedWhy", { error: why }) : t(`delivery.${delivery.state}`);
  return (
    <Popover width={300} shadow="md" position="top-end" trapFocus>
      <Popover.Target>
        <UnstyledButton className={classes.delivery} data-state={delivery.state}>
          <Sign size={15} aria-hidden />
          {words}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Explanation message={message} delivery={delivery} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Explanation({ message, delivery }: { message: MessageOut; delivery: DeliveryOut }) {
  const text = useText();
  const { t } = text;
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const unknown = delivery.state === "unknown";
  const { error_code: code, error_text: said } = delivery;

  async function again() {
    setBusy(true);
    setProblem("");
    try {
      await sendAgain(client, message);
    } catch (error) {
      setProblem(explain(error, text));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className={classes.explanation}>
      <p>{unknown ? t("delivery.unknownWhy") : failure(delivery, text) || t("delivery.failed")}</p>
      {(said || code) && (
        <p className={classes.code}>
          {t("delivery.said", { error: [code, said].filter(Boolean).join(": ") })}
        </p>
      )}
      {/* Written to whoever asked for nothing more: the hub would refuse it again. */}
      {code !== "do_not_contact" && (
        <>
          {unknown && <p className={classes.risk}>{t("delivery.risk")}</p>}
          <Button
            size="compact-sm"
            variant="light"
            leftSection={<IconRefresh size={15} aria-hidden />}
            loading={busy}
            onClick={() => void again()}
          >
            {t(unknown ? "delivery.againAnyway" : "delivery.again")}
          </Button>
        </>
      )}
      <p role="alert" className={classes.problem}>
        {problem}
      </p>
    </div>
  );
}

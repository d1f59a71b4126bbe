import { IconMessages } from "../parts/icons";

import { Empty } from "../parts/Pane";
import { useText } from "../text";

export function NoConversation() {
  const { t } = useText();
  return <Empty icon={IconMessages} title={t("thread.none")} hint={t("thread.noneHint")} />;
}

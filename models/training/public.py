"""What the shipped models, and the whole filter, make of the public test sets."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import openai_moderation, read_csv
from data import LABELS
from markdown import percent, table

ADULT, GORE, HATE = (LABELS.index(label) for label in ("adult", "gore", "hate"))


class Judged:
    """Texts of a public set with the scores of the models and, where the binary is there, the filter's decisions."""

    def __init__(self, texts, cascade, whole):
        self.texts = list(texts)
        scores = cascade.all(self.texts)
        self.final, self.expert = cascade.cascaded(scores)[0], scores["expert"]
        self.by_models = cascade.blocked(scores)
        self.decisions = whole.judge(self.texts) if whole else None

    def blocked(self, label=None):
        """Returns which texts the filter blocks (for a label), or the models alone where there is no binary."""
        if self.decisions is None:
            return self.by_models.any(1) if label is None else self.by_models[:, LABELS.index(label)]
        if label is None:
            return np.array([decision["verdict"] == "block" for decision in self.decisions])
        return np.array([label in decision["categories"] for decision in self.decisions])

    def rank(self, columns):
        """Returns the highest score over some labels; 1 where a list or rule blocks for one of them."""
        score = self.final[:, columns].max(1)
        if self.decisions is None:
            return score
        names = {LABELS[column] for column in columns}
        found = [
            any(reason["category"] in names and reason["stage"] in ("lexicon", "rules") for reason in decision["reasons"])
            for decision in self.decisions
        ]
        return np.where(found, 1.0, score)


def openai_section(folder, cascade, whole):
    """Returns the lines on OpenAI's moderation set."""
    rows = list(openai_moderation(folder))
    judged = Judged((row["prompt"] for row in rows), cascade, whole)
    lines = []
    for title, keys, columns in (
        ("S (sexual)", ("S",), (ADULT,)), ("H (hate)", ("H",), (HATE,)), ("V (violence), against gore", ("V",), (GORE,)),
        ("any of S, H, V", ("S", "H", "V"), (ADULT, GORE, HATE)),
    ):
        known = np.array([all(key in row for key in keys) or any(row.get(key) == 1 for key in keys) for row in rows])
        target = np.array([any(row.get(key) == 1 for key in keys) for row in rows])[known]
        lines.append([title, int(known.sum()), int(target.sum()), *(
            f"{average_precision_score(target, score[known]):.3f}"
            for score in (judged.rank(list(columns)), judged.final[:, list(columns)].max(1), judged.expert[:, list(columns)].max(1)))])
    return [
        "### OpenAI moderation set (1,595 texts, not image prompts)\n",
        "Area under the precision-recall curve. Published, any (on all 1,680): OpenAI API 0.856, Llama Guard 0.847, Perspective 0.787.\n",
        table(("label", "known", "positive", "whole filter", "models: cascade", "`expert` alone"), lines), "",
    ]


def hatecheck_section(folder, cascade, whole):
    """Returns the lines on HateCheck."""
    rows = list(read_csv(folder / "hatecheck/test_suite_cases.csv"))
    peers = {row["case_id"]: row for row in read_csv(folder / "hatecheck/peer_predictions.csv")}
    judged = Judged((row["test_case"] for row in rows), cascade, whole)
    target = np.array([row["label_gold"] == "hateful" for row in rows])
    ours = {"whole filter": judged.blocked("hate"), "`expert` at 0.5": judged.expert[:, HATE] >= 0.5}
    names = [name for name in next(iter(peers.values())) if name.startswith("pred_")]
    theirs = {
        name.removeprefix("pred_"): np.array([peers[row["case_id"]][name] == "hateful" for row in rows]) for name in names
    }
    everyone = {**ours, **theirs}
    functions = np.array([row["functionality"] for row in rows])
    lines = [["all", len(rows), *(percent((hit == target).mean()) for hit in everyone.values())]]
    for function in dict.fromkeys(functions):
        mine = functions == function
        lines.append([function, int(mine.sum()), *(percent((hit == target)[mine].mean()) for hit in everyone.values())])
    auroc = roc_auc_score(target, judged.expert[:, HATE])
    return [
        "### HateCheck (3,728 cases, 29 functions)\n",
        f"Accuracy; the peers' predictions came with the set. AUROC of `expert` for hate: {auroc:.3f}.\n",
        table(("function", "cases", *everyone), lines), "",
    ]


def multilingual_section(folder, cascade, whole):
    """Returns the lines on Multilingual HateCheck and HatemojiCheck."""
    lines = []
    for path in sorted((folder / "multilingual_hatecheck").glob("*.csv.gz")):
        rows = list(read_csv(path))
        language = path.name.removesuffix(".csv.gz").rsplit("_", 1)[1]
        judged = Judged((row["test_case"] for row in rows), cascade, whole)
        target = np.array([row["label_gold"] == "hateful" for row in rows])
        lines.append([language, len(rows), percent((judged.blocked("hate") == target).mean()),
                      percent(((judged.expert[:, HATE] >= 0.5) == target).mean()),
                      f"{roc_auc_score(target, judged.expert[:, HATE]):.3f}"])
    rows = list(read_csv(folder / "hatemojicheck/test.csv"))
    judged = Judged((row["text"] for row in rows), cascade, whole)
    target = np.array([row["label_gold"] == "1" for row in rows])
    lines.append(["HatemojiCheck (emoji)", len(rows), percent((judged.blocked("hate") == target).mean()),
                  percent(((judged.expert[:, HATE] >= 0.5) == target).mean()),
                  f"{roc_auc_score(target, judged.expert[:, HATE]):.3f}"])
    return [
        "### Multilingual HateCheck and HatemojiCheck\n",
        table(("language", "cases", "accuracy, whole filter", "`expert` at 0.5", "AUROC of `expert`"), lines), "",
    ]


def overt_section(folder, cascade, whole):
    """Returns the lines on OVERT."""
    published = {"violence": "60 / 33", "illegal": "59 / 48", "discrimination": "24 / 14"}
    rows = list(read_csv(folder / "overt/OVERT_unsafe.csv.gz"))
    unsafe = Judged((row["unsafe_image_prompt"] for row in rows), cascade, whole).blocked()
    benign = Judged((row["benign_image_prompt"] for row in rows), cascade, whole).blocked()
    categories = np.array([row["category"] for row in rows])
    wanted = np.array([any(word in category.lower() for word in ("violence", "sexual", "illegal", "discrimination"))
                       for category in categories])
    lines = [["violence, sexual, illegal, discrimination together", int(wanted.sum()), percent(unsafe[wanted].mean()),
              percent(benign[wanted].mean()), ""]]
    for category in dict.fromkeys(categories):
        mine = categories == category
        known = next((figure for word, figure in published.items() if word in category.lower()), "")
        lines.append([category, int(mine.sum()), percent(unsafe[mine].mean()), percent(benign[mine].mean()), known])
    full = list(read_csv(folder / "overt/OVERT_full.csv.gz"))
    judged = Judged((row["image_prompt"] for row in full), cascade, whole).blocked()
    lines.append(["benign prompts of the full set", len(full), "", percent(judged.mean()), ""])
    return [
        "### OVERT (unsafe prompts and their benign twins)\n",
        "Published refusals are read off a chart, +-3 points. Its categories of copyright, public figures and the like are no "
        "clause of this policy.\n",
        table(("category", "pairs", "unsafe blocked", "benign blocked", "Imagen 3: unsafe / benign"), lines), "",
    ]


def others_section(folder, cascade, whole):
    """Returns the lines on XSTest, COCO, CoPro and CatQA."""
    lines = []
    rows = list(read_csv(folder / "xstest/xstest_prompts.csv"))
    judged = Judged((row["prompt"] for row in rows), cascade, whole).blocked()
    safe = np.array([row["label"] == "safe" for row in rows])
    lines += [["XSTest, safe questions", int(safe.sum()), percent(judged[safe].mean()), "Llama 2 38 %, GPT-4 6.4 % refused"],
              ["XSTest, unsafe questions", int((~safe).sum()), percent(judged[~safe].mean()), ""]]
    captions = (folder / "coco_captions.txt").read_text(encoding="utf-8").splitlines()
    judged = Judged(captions, cascade, whole).blocked()
    lines.append(["COCO captions", len(captions), percent(judged.mean(), 2), ""])
    rows = list(read_csv(folder / "copro/CoPro_balanced_10k.csv.gz"))
    unsafe = Judged((row["unsafe_prompt"] for row in rows), cascade, whole)
    harmless = Judged((row["safe_prompt"] for row in rows), cascade, whole)
    target = np.r_[np.ones(len(rows)), np.zeros(len(rows))]
    everything = list(range(len(LABELS)))
    auroc = roc_auc_score(target, np.r_[unsafe.rank(everything), harmless.rank(everything)])
    lines += [["CoPro, unsafe (noisy labels)", len(rows), percent(unsafe.blocked().mean()),
               f"AUROC {auroc:.3f}; LatentGuard 0.985 on its own split"],
              ["CoPro, safe twins", len(rows), percent(harmless.blocked().mean()), ""]]
    for language in ("english", "chinese", "vietnamese"):
        rows = [row for row in read_csv(folder / f"catqa/catqa_{language}.csv") if any(
            word in row["category"] + row["subcategory"] for word in ("Adult", "Political", "Hate", "Violence", "Illegal", "Fraud"))]
        judged = Judged((row["question"] for row in rows), cascade, whole).blocked()
        lines.append([f"CatQA, harmful questions, {language}", len(rows), percent(judged.mean()), "questions to a chat model"])
    return ["### False positives and other sets\n", table(("set", "texts", "blocked", "beside it"), lines), ""]


def report(folder, cascade, whole):
    """Returns the section on public sets; nothing if they are not there."""
    if not folder.is_dir():
        return []
    judged_by = "the whole filter" if whole else "the models alone (the binary was not built)"
    parts = ["## Public sets\n", f"Never trained on, tuned on or read. Blocked means: by {judged_by}, at the shipped thresholds.\n"]
    for section in (openai_section, hatecheck_section, multilingual_section, overt_section, others_section):
        parts += section(folder, cascade, whole)
    return parts

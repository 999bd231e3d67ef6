"""What came out of a toy table, as Markdown: means and spreads over seeds, and differences paired by seed."""

from __future__ import annotations

from projects.toy.plan import Bench


def report(bench: Bench) -> str:
    """Markdown tables of what is finished, in points of 100."""
    plan, results = bench.plan, bench.results()
    numbers = {key: cell["metrics"] for key, cell in results.items()}
    numbers |= {("oracle", seed): cell["oracle"] for (_, seed), cell in results.items() if cell.get("oracle")}
    total = sum(cell["cpu_seconds"] for cell in results.values()) / 60
    lines = [f"{len(results)} of {len(plan.rows) * len(plan.seeds)} cells, {total:.0f} core minutes; mean ± "]
    lines[0] += f"standard deviation over seeds {', '.join(map(str, plan.seeds))}"
    with_published = any(line.published is not None for table in plan.tables for line in table.lines)
    differences = [f"{plan.metrics[name]} − {plan.against}, paired" for name in plan.differences]
    differences += [f"{plan.metrics[name]} − its copies" for name in plan.copies]
    for table in plan.tables:
        head = [table.title, *plan.metrics.values(), *differences, *[plan.published] * with_published]
        lines += ["", _row(head), _row(["---", *["---:"] * (len(head) - 1)])]
        for line in table.lines:
            seeds = [seed for seed in plan.seeds if (line.row, seed) in numbers]
            paired = [seed for seed in seeds if (plan.against, seed) in numbers and line.row != plan.against]
            cells = [spread([numbers[line.row, seed][name] for seed in seeds]) for name in plan.metrics]
            for name in plan.differences:
                values = [numbers[line.row, s][name] - numbers[plan.against, s][name] for s in paired]
                cells.append(spread(values, signed=True))
            for name in plan.copies:
                both = [results[line.row, seed] for seed in seeds if (line.row, seed) in results]
                alone = [cell["metrics"][name] - cell["copies"][name] for cell in both]
                cells.append(spread(alone, signed=True))
            if with_published:
                cells.append("" if line.published is None else f"{line.published:.2f}")
            lines.append(_row([line.text, *cells]))
    return "\n".join(lines)


def spread(values: list[float], *, signed: bool = False) -> str:
    """Mean and sample standard deviation of fractions, in points."""
    if not values:
        return ""
    mean = 100 * sum(values) / len(values)
    text = f"{mean:+.1f}" if signed else f"{mean:.1f}"
    if len(values) == 1:
        return text
    squares = sum((100 * value - mean) ** 2 for value in values)
    return f"{text} ± {(squares / (len(values) - 1)) ** 0.5:.1f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"

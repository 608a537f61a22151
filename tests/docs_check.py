#!/usr/bin/env python3
"""docs_check.py links|commands|messages|configs ROOT [CLNAS]: what the documentation says of the source tree is so.

links      every relative link in README.md, the other pages in the root and docs/ leads to a file, and to a heading that is there; every
           file of the tree that a page names is there
commands   every command of clnas and its tools that a page shows, in a block or in `code`, exists and knows its long options, by --help; and
           docs/cli.md has each of them in its table
messages   every message that docs/troubleshooting.md explains, a line that is **``bold code``**, is one that the sources can print;
           … stands for what differs
configs    every config of docs/migration.md, a block between ``` that begins with `study`, and of README.md is one that clnas check accepts

Each check is then given something wrong, which it has to find."""
import glob
import os
import re
import subprocess
import sys

ROOT = sys.argv[2] if len(sys.argv) > 2 else "."


TO_BE_MADE = {"host/search/greedy.c", "docs/devices/nvidia.json"}  # pages speak of them as made by the reader


def pages():
    names = glob.glob(os.path.join(ROOT, "*.md")) + glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)
    return sorted(os.path.relpath(name, ROOT) for name in names)


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def lines_of(text):
    """(number, line, inside a block of code) of each line."""
    fenced = False
    blank = True
    indented = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            yield number, "", True
            continue
        indented = line.startswith("    ") and (blank or indented)
        yield number, line, fenced or indented
        blank = not line.strip()


# ---- links

def anchors(text):
    """Headings as forges link to them: lower case, blanks to hyphens, other marks left out."""
    found = set()
    for _, line, code in lines_of(text):
        match = None if code else re.match(r"#+ +(.*)", line)
        if match:
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1))
            found.add("".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_"))
    return found


def broken_links(page, text):
    folder = os.path.dirname(page)
    for number, line, code in lines_of(text):
        targets = []
        if not code:
            plain = re.sub(r"`[^`]*`", "``", line)
            targets = re.findall(r"\]\(([^)\s]+)", plain) + re.findall(r'(?:src|srcset|href)="([^"]+)"', plain)
        for target in targets:
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            other = os.path.normpath(os.path.join(folder, path)) if path else page
            if not os.path.exists(os.path.join(ROOT, other)):
                yield f"{page}:{number}: {target}: there is no {other}"
            elif anchor and other.endswith(".md") and anchor not in anchors(text if other == page else read(other)):
                yield f"{page}:{number}: {target}: {other} has no such heading"
        for named in re.findall(r"(?<![\w./-])(?:docs|configs|host|cl|include|tests|cmake|tools)/[a-z0-9_/.-]+\.[a-z]+\b(?![-/*<])", re.sub(r"\]\([^)]*\)", "]", line)):
            if named not in TO_BE_MADE and not os.path.exists(os.path.join(ROOT, named)):
                yield f"{page}:{number}: {named} is named and not there"


def check_links():
    found = [problem for page in pages() for problem in broken_links(page, read(page))]
    planted = "[a](docs/nowhere.md) [b](README.md#no-such-heading) see docs/never_was.md\n"
    assert len(list(broken_links("README.md", planted))) == 3, "planted links were not noticed"
    return found


# ---- commands

def shown_commands(text):
    """(number, program, words) of each clnas … and clnas-TOOL … that a page shows."""
    for number, line, code in lines_of(text):
        shown = [line] if code else re.findall(r"`(clnas(?:-[a-z]+)? [^`]+)`", line)
        for command in shown:
            command = re.sub(r"\s+#.*", "", command.strip().rstrip("\\"))
            for part in re.split(r";\s+|\s*(?:&&|\|)\s+(?!\w+\|)", command):
                words = part.split()
                while words and (words[0] in ("$", "time", "sudo", "nice", "-n", "19") or re.match(r"[A-Z_]+=", words[0])):
                    words.pop(0)
                match = re.fullmatch(r"(?:.*/bin/)?(clnas(?:-[a-z]+)?)", words[0]) if len(words) > 1 else None
                if match:
                    yield number, match.group(1), words[1:]


def wrong_commands(page, text, helps):
    for number, program, words in shown_commands(text):
        if program not in helps:
            continue  # not built here
        known = helps[program]
        name = words[0].rstrip(",.;")
        if "" in known:  # a tool without commands
            name = ""
        elif not re.fullmatch(r"[a-z]+", name):
            continue  # COMMAND, …, --help
        if name not in known:
            yield f"{page}:{number}: there is no command {program} {name}"
            continue
        for word in words:
            option = re.match(r"\[?(--[a-z][a-z-]*)", word)
            if option and option.group(1) not in known[name]:
                yield f"{page}:{number}: {program} {name} has no option {option.group(1)}"


def help_of(*command):
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout


def options_of(*command):
    return set(re.findall(r"--[a-z][a-z-]*", help_of(*command)))


def commands_of(program):
    listed = re.search(r"^Commands.*?\n(.*?)\n\n", help_of(program), re.M | re.S)
    return re.findall(r"^  ([a-z0-9]+) +\S", listed.group(1), re.M) if listed else []


def check_commands():
    clnas = sys.argv[3]
    names = commands_of(clnas)
    assert "search" in names and len(names) > 15, "clnas --help was not understood"
    helps = {"clnas": {name: options_of(clnas, name) for name in names}}
    helps["clnas"]["worker"] = {"--study"}  # what a search runs itself with; no command for people
    helps["clnas"]["describe"].add("--markdown")  # makes docs/config.md; not in the help
    for tool in ("clnas-bench", "clnas-tune", "clnas-rank", "clnas-simulate", "clnas-linear"):
        path = os.path.join(os.path.dirname(clnas), tool)
        if os.path.exists(path):
            helps[tool] = {name: options_of(path, name) for name in commands_of(path)} or {"": options_of(path)}
    table = read("docs/cli.md")
    found = [f"docs/cli.md: no row for clnas {name}" for name in names if f"| `{name}" not in table]
    shown = 0
    for page in pages():
        text = read(page)
        shown += len(list(shown_commands(text)))
        if page != "CHANGELOG.md":
            found += wrong_commands(page, text, helps)
    assert shown > 100, f"only {shown} commands were found in the pages"
    planted = "    $ time clnas serch x.cfg\n\nSay `clnas search x.cfg --trails 3`.\n"
    assert len(list(wrong_commands("x.md", planted, helps))) == 2, "planted commands were not noticed"
    return found


# ---- messages

def literals():
    """Each run of adjacent string literals in the sources, with … for its conversions."""
    one = r'"((?:[^"\\\n]|\\.)*)"'
    for name in glob.glob(os.path.join(ROOT, "host", "**", "*.[ch]"), recursive=True):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r'%"\s*PRI\w+(\s*")?', lambda m: "%d" if m.group(1) else '%d"', text)
        for run in re.finditer(one + r"(?:\s*" + one + ")*", text):
            joined = "".join(re.findall(one, run.group(0)))
            joined = joined.replace('\\"', '"').replace("\\n", " ").replace("\\\\", "\\")
            yield re.sub(r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z|j|t)*[diouxXeEfgGaAcspn]?", "…", joined)


def printable(message, sources):
    parts = [re.escape(part.strip()) for part in message.split("…") if part.strip()]
    pattern = re.compile(".*".join(parts), re.S)
    return sum(len(part) for part in parts) >= 8 and any(pattern.search(text) for text in sources)


def check_messages():
    page = "docs/troubleshooting.md"
    sources = list(literals())
    found, count = [], 0
    for number, line, code in lines_of(read(page)):
        for message in [] if code else re.findall(r"\*\*``(.+?)``\*\*", line):
            count += 1
            if not printable(message, sources):
                found.append(f"{page}:{number}: no source prints: {message}")
    assert count >= 60, f"only {count} messages on the page"
    assert printable("buffer … is over the largest allocation of", sources) and not printable(
        "buffer … is under the largest allocation of", sources), "a planted message was not noticed"
    return found


# ---- configs

def check_configs():
    blocks = re.findall(r"^```\n(study .*?)^```$", read("docs/migration.md"), re.M | re.S)
    blocks += re.findall(r"^(    study = (?:.+\n)+)", read("README.md"), re.M)
    assert len(blocks) >= 4, f"only {len(blocks)} configs on the page"
    found = []
    for block in blocks + [blocks[0].replace("population", "populatoin")]:
        with open("block.cfg", "w", encoding="utf-8") as file:
            file.write(block.replace("configs/tables", os.path.abspath(os.path.join(ROOT, "configs/tables"))))
        done = subprocess.run([sys.argv[3], "check", "block.cfg", "-q"], capture_output=True, text=True, check=False)
        if done.returncode == 6:
            sys.exit(77)  # a data set that this machine does not have
        if done.returncode:
            found.append(f"{block.strip()[:40]}…: {done.stderr.strip()}")
    assert found and "populatoin" in found.pop(), "a planted mistake was not noticed"
    return found


def main():
    checks = {"links": check_links, "commands": check_commands, "messages": check_messages, "configs": check_configs}
    problems = checks[sys.argv[1]]()
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()

#!/usr/bin/env python3
"""Rules a reader of one source file can check: what only engine/base may call (D3), and how long things may be."""

import re

import tree

MAX_COLUMNS = 100
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 70

# rule: (pattern in code without comments and literals, folders that may, what to use instead)
BANNED = {
    "thread": (r"\bstd::(jthread|thread|this_thread)\b|\bpthread_create\b", ("engine/base",),
               "a task is single-threaded; use the Executor of engine/base"),
    "mutex": (r"\bstd::\w*mutex\b|\bstd::condition_variable|\babsl::(Mutex|CondVar)\b", ("engine/base",),
              "no locks outside engine/base; hand over through a mailbox"),
    "atomic": (r"\bstd::atomic", ("engine/base", "engine/runtime", "engine/job", "engine/server"),
               "a task is single-threaded; counters are in engine/base/metrics.h"),
    "clock": (r"\b(system|steady|high_resolution)_clock::now\b|\babsl::(Now|GetCurrentTimeNanos)\b"
              r"|\b(clock_gettime|gettimeofday)\s*\(|\bstd::time\s*\(", ("engine/base",), "use the Clock"),
    "sleep": (r"\bsleep_(for|until)\b|\babsl::SleepFor\b|\b(usleep|nanosleep)\s*\(", ("engine/base",),
              "wait for the event, or set a timer"),
    "random": (r"\bstd::(random_device|mt19937\w*)\b|(?<![\w.>:])s?rand\s*\(", ("engine/base",), "use the Random"),
    "environment": (r"\b(secure_)?getenv\s*\(", ("engine/base",), "use the Environment"),
    "file": (r"\bstd::(i|o|)fstream\b|\bstd::filesystem\b|\bf(re)?open\s*\(|(?<!\w)::(open|openat|rename|unlink|fsync)\s*\(",
             ("engine/base",), "use the FileSystem"),
    "socket": (r"(?<![\w.>:])(::)?(socket|accept4?|getaddrinfo)\s*\(|(?<!\w)::(connect|bind|listen)\s*\(", ("engine/base",),
               "use the channel interfaces of engine/base"),
    "stdout": (r"\bstd::(cout|cerr)\b|(?<![\w:])(std::)?f?printf\s*\(|(?<![\w:])(std::)?puts\s*\(",
               ("engine/cli", "engine/base"), "log, or return the text to engine/cli"),
    "catch-all": (r"\bcatch\s*\(\s*\.\.\.\s*\)", ("engine/runtime",), "exceptions are caught once, in the chain (D20)"),
    "exit": (r"(?<![\w.>])(std::|::)?(_exit|exit|quick_exit)\s*\(", ("engine/cli", "engine/base"),
             "return a Status; only engine/cli ends the process"),
}  # fmt: skip
# Tests and benchmarks are outside the layers, but a test that sleeps is a test that is sometimes wrong.
BANNED_IN_TESTS = ("sleep",)
OPEN_ENDS = "TO" "DO|FIX" "ME|XX" "X"


def banned_calls(path, code):
    outside = path.startswith(tree.OUTSIDE_LAYERS)
    for rule, (pattern, may, instead) in BANNED.items():
        if outside and rule not in BANNED_IN_TESTS or path.startswith(tuple(f"{f}/" for f in may)):
            continue
        for match in re.finditer(pattern, code):
            yield rule, code.count("\n", 0, match.start()) + 1, f"'{match[0].strip()}': {instead}"


def blank_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.M)


def closing_brace(code, start):
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] == "{") - (code[at] == "}")
        if depth == 0 and code[at] == "}":
            return at
    return len(code) - 1


def functions(code):
    """(first line, last line) of every function body at namespace or class level. A heuristic: brace matching."""
    code = blank_preprocessor(code)
    header, header_at, parens, at = "", 0, 0, 0
    while at < len(code):
        c = code[at]
        parens += (c == "(") - (c == ")")
        if c == "{" and (parens > 0 or is_initializer(header)):
            at = closing_brace(code, at)  # a brace inside the header: `int x = {}` or `: member_{1}`
            header += "{}"
        elif c == "{" and is_function(header):
            end = closing_brace(code, at)
            yield code.count("\n", 0, header_at) + 1, code.count("\n", 0, end) + 1
            header, at = "", end
        elif c in "{};" and parens == 0:
            header = ""
        elif header or not c.isspace():
            header_at = header_at if header else at
            header += c
        at += 1


def is_initializer(header):
    """Does `header {` open a member initializer, as in `Foo::Foo(int a) : a_{a}`?"""
    return re.search(r"\)\s*(noexcept\s*)?:[^:]", header) and re.search(r"[\w>]\s*$", header) is not None


def is_function(header):
    kind = re.sub(r"^(template\s*<.*?>\s*|public:|private:|protected:)*", "", header.strip(), flags=re.S)
    return "(" in header and not re.match(r"(class|struct|enum|union|namespace|extern)\b(?!.*\)\s*$)", kind, flags=re.S)


def check_file(findings, path):
    text = tree.read(path)
    lines = text.splitlines()
    code = tree.strip(text)
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            findings.add("columns", path, number, f"{len(line)} columns, at most {MAX_COLUMNS}")
    if len(lines) > MAX_FILE_LINES:
        findings.add("file-length", path, 0, f"{len(lines)} lines, at most {MAX_FILE_LINES}")
    for first, last in functions(code):
        if last - first + 1 > MAX_FUNCTION_LINES:
            findings.add("function-length", path, first, f"{last - first + 1} lines, at most {MAX_FUNCTION_LINES}")
    for rule, number, message in banned_calls(path, code):
        findings.add(rule, path, number, message)


def check_open_ends(findings):
    everywhere = tree.CODE + tree.OUTSIDE_LAYERS + ("cmake", "deploy", "proto")
    for path in tree.files(everywhere, (".h", ".cc", ".inc", ".sh", ".py", ".cmake", "CMakeLists.txt", ".proto")):
        for number, line in enumerate(tree.read(path).splitlines(), 1):
            match = re.search(rf"\b({OPEN_ENDS})\b", line)
            if match:
                findings.add("open-end", path, number, f"{match[0]}: finish it, or write it down in docs/")


PLANTED = {
    "thread": "void F() { std::thread t; }", "mutex": "std::mutex m;", "atomic": "std::atomic<int> a;",
    "clock": "auto t = std::chrono::steady_clock::now();", "sleep": "std::this_thread::sleep_for(1s);",
    "random": "int x = rand();", "environment": 'getenv("A")', "file": "std::ifstream f;", "socket": "int s = ::socket(1);",
    "stdout": "std::cout << 1;", "catch-all": "catch (...) {", "exit": "std::exit(1);",
}  # fmt: skip


def self_test():
    """A check that cannot find anything proves nothing."""
    for rule, code in PLANTED.items():
        assert rule in {r for r, _, _ in banned_calls("engine/core/a.cc", tree.strip(code))}, f"missed: {code}"
        quiet = f'// {code}\nauto s = "{code if chr(34) not in code else ""}"; /* {code} */'
        assert not list(banned_calls("engine/core/a.cc", tree.strip(quiet))), f"false: {quiet}"
    body = "\n" * 80
    for header in ("int F(int a = {}) {", "A::A(int a) : a_{a}, b_(1) {", "A::A(int a) : a_{a} {", "TEST(A, B) {",
                   "template <class T> auto F(T t) const -> std::vector<int> {", "class A { public: void F() {",
                   "namespace a { struct B : C { bool operator==(B b) {", "class A final : public B<int()> { int F() {"):
        code = header + body + "}" * header.count("{")
        assert any(last - first >= 80 for first, last in functions(code)), f"missed: {header}"
    for header in ("constexpr A kTable[] = {", "class A : public B {", "namespace a {", "enum class E : int {"):
        assert not list(functions(header + body + "};")), f"false: {header}"


def main():
    self_test()
    findings = tree.Findings(tuple(BANNED) + ("columns", "file-length", "function-length", "open-end"))
    for path in tree.files(tree.CODE + tree.OUTSIDE_LAYERS, (".h", ".cc")):
        check_file(findings, path)
    check_open_ends(findings)
    findings.finish()


main()

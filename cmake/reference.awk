# awk -f cmake/reference.awk include/clnas/ROOM.h: the header as Doxygen wants it, on stdout (cmake/Doxyfile.in calls this).
#
# The headers are written for people who read headers.  Their comments say what they belong to by where they stand, and that is all that
# Doxygen wants to be told:
#   /* text */ in front of a declaration   of that declaration             /** text */
#   code; /* text */                       of what stands before it        /**< text */
#   /* ---- title ---- text */             a part of the header            /** @name title ... @{ */
#   the first comment of the file          the file, its room              /** @file name.h  @brief ... */
# A comment at `int first, second;` is of both.  What is called by a custom of the house needs no comment of its own: see custom().
# What Doxygen would take for a command or a tag is escaped, outside of `code` and of indented examples.  A list X(NAME, exit code, "text")
# is written out where an enumeration is made of it, since its texts are the enumerators' documentation.

# The text of a comment's line: nothing in it is a command.
function plain(text,    parts, count, i, out)
{
    if (text ~ /^ *\*     /)
        return text # an example
    count = split(text, parts, "`")
    out = ""
    for (i = 1; i <= count; i++) {
        if (i % 2 == 1)
            gsub(/[\\@<>#%&]/, "\\\\&", parts[i])
        out = out (i > 1 ? "`" : "") parts[i]
    }
    return out
}

# A line of a comment, which may be its last: then what follows `*/` is code again.
function comment(text,    end)
{
    end = index(text, "*/")
    inside = end == 0
    if (inside)
        return plain(text)
    return plain(substr(text, 1, end - 1)) closing "*/" substr(text, end + 2)
}

function begin_part(title, rest)
{
    sub(/ *-+ *$/, "", title)
    opening = part ? "/** @} */\n" : ""
    part = 1
    closing = " @{ "
    return opening "/** @name " plain(title) "\n * " rest
}

# Prints a line of a comment that stands in front of something, and keeps it.
function say(line, first)
{
    print line
    above = first ? line : above "\n" line
}

# What a name alone promises in every header (base.h, manners); "" for other names.
function custom(name)
{
    if (name == "count")
        return "How many there are."
    if (name == "capacity")
        return "How many there is room for."
    if (name ~ /_count$/) {
        sub(/_count$/, "", name)
        return "How many of `" name "` there are."
    }
    if (name == "user")
        return "Handed to the callbacks as it is."
    if (name ~ /^nas_.*_(destroy|clear|close)$/)
        return "Frees what it owns; NULL, or of a value a zeroed one, is fine."
    if (name ~ /^nas_.*_all$/)
        return "All of the list, in its order; `*count` gets their number."
    return ""
}

# The name that a declaration on one line declares.
function declared(line,    end)
{
    sub(/ *[;(].*/, "", line)
    sub(/(\[[^]]*\])+$/, "", line)
    return match(line, /[a-z_0-9]+$/) ? substr(line, RSTART) : ""
}

# A line of code in front of which there was no comment, or `above`; `behind` stands behind it.  `int a, b;` becomes a line for each.
function code(line, above, behind,    count, i, parts, type, text)
{
    if (line ~ /^ +[a-z][^(){}:]*, [^(){}]*; *$/) {
        sub(/; *$/, "", line)
        count = split(line, parts, /, /)
        match(parts[1], /[*]*[a-z_0-9]+(\[[^]]*\])*$/)
        type = substr(parts[1], 1, RSTART - 1)
        for (i = 1; i <= count; i++) {
            text = (i > 1 ? type parts[i] : parts[1]) ";"
            if (above != "")
                print (i > 1 ? above "\n" : "") text
            else if (behind != "")
                print text " " behind
            else
                code(text, "", "")
        }
        return
    }
    text = custom(declared(line))
    if (above == "" && behind == "" && text != "" && line ~ /;$|^NAS_API.*\(/)
        print "/** " text " */"
    print line behind
}

/^    X\(/ && listing {
    text = $0
    sub(/^    X\(/, "", text)
    name = text
    sub(/,.*/, "", name)
    exit_code = text
    sub(/^[^,]*, */, "", exit_code)
    sub(/,.*/, "", exit_code)
    sub(/^[^"]*"/, "", text)
    sub(/".*/, "", text)
    enumerators = enumerators "    NAS_" name ", /**< " text "; exit code " exit_code " */\n"
}
/^#define NAS_STATUS_LIST/ { listing = 1 }
!/\\$/ { listing = 0 }
/^#(define|undef) NAS_STATUS_ENUM/ { next }
/^    NAS_STATUS_LIST\(NAS_STATUS_ENUM\)$/ {
    printf "%s", enumerators
    next
}

inside {
    if (heading && match($0, / -+ *\*\/ *$/)) # a title on lines of its own
        $0 = substr($0, 1, RSTART) "*/"
    say(comment($0))
    next
}

/\/\*/ {
    at = index($0, "/*")
    before = substr($0, 1, at - 1)
    text = substr($0, at + 2)
    closing = ""
    if (before !~ /^ *$/) {
        text = comment(text)
        if (!inside && before ~ /; *$/)
            code(before, "", "/**<" text)
        else
            print before "/**<" text
        above = ""
    } else if (!begun) {
        begun = 1
        name = text
        sub(/ - .*/, "", name)
        sub(/^ */, "", name)
        sub(/^[^-]* - /, "", text)
        print "/** @file " name
        print " * @brief " comment(text)
    } else if (text ~ /^ ----/) {
        sub(/^ -+ */, "", text)
        single = text ~ /\*\/ *$/
        sub(/ *-* *\*\/ *$/, "", text)
        print begin_part(text, "") (single ? " @{ */" : "")
        inside = !single
    } else
        say(before "/**" comment(text), 1)
    next
}

/^#ifdef __cplusplus$/ && part {
    print "/** @} */"
    part = 0
}

{
    code($0, above, "")
    if ($0 == "" || $0 ~ /[;{]$/)
        above = ""
}

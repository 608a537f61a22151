# counted.sh - processor time of runs of $program, kept in files; read by scripts here that print it.

# Runs the program and adds its processor seconds, children's too, to FILE.
counted() { # FILE ARGUMENT...
    file=$1
    shift
    (
        "$program" "$@"
        times >>"$file" # a line of the shell's own, a line of its children
    )
}

# "1m2.5s 0m0.1s" per session, as minutes.
minutes() { # FILE
    awk 'NR % 2 == 0 { for (i = 1; i <= 2; i++) { split($i, part, /[ms]/); sum += part[1] + part[2] / 60 } } END { printf "%.1f", sum }' "$1"
}

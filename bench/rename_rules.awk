# Makes another rule of each rule: letters in the values of `detection:` are moved on by `shift` places of
# the alphabet, and the id is changed, so that the copy asks the same kind of questions about things that
# no log has. Rules with regular expressions, encodings or field references are left out by the caller.
function rotate(text,    out, i, c, at) {
    out = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        at = index(lower, c)
        if (at) {
            out = out substr(lower, (at - 1 + shift) % 26 + 1, 1)
        } else {
            at = index(upper, c)
            out = out (at ? substr(upper, (at - 1 + shift) % 26 + 1, 1) : c)
        }
    }
    return out
}
BEGIN {
    lower = "abcdefghijklmnopqrstuvwxyz"
    upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    inside = 0
}
/^id: / {
    sub(/^id: ......../, sprintf("id: %08x", shift * 1000003 + 17))
    print
    next
}
/^detection:/ { inside = 1; print; next }
/^[a-z]/ { inside = 0 }
!inside || /^ *condition:/ { print; next }
match($0, /^ *(- )?[^ '"]+: */) { # key: value
    print substr($0, 1, RLENGTH) rotate(substr($0, RLENGTH + 1))
    next
}
/^ *- / {
    match($0, /^ *- /)
    print substr($0, 1, RLENGTH) rotate(substr($0, RLENGTH + 1))
    next
}
{ print }

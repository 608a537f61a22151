/* private_text.c - takes paths and names out of texts that others will read.
 *
 * Build logs, messages and settings of the environment are other programs' words: they may name folders ("/home/jane/…"), the user and
 * the host.  Three passes take them out: folders known to be private, blanks in them and all; then every word that begins with / or ~/,
 * down to the file's own name where that is a source or a library ("(path)/conv2d.cl:12:3: warning …" is worth reading); then
 * the names of user and host where they stand as words.
 */
#include "doctor.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HIDDEN "(hidden)"

/* ---- what is private -------------------------------------------------------------------------------- */

/* One letter, or what stands in everybody's paths, would take more away than it hides. */
static bool is_plain(const char *name)
{
    static const char *const plain[] = {"/", "home", "tmp", "usr", "var", "localhost", "root"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(name, plain[i]) == 0)
            return true;
    return strlen(name) < 2;
}

static void add(cli_private *names, const char *name)
{
    const int room = (int)(sizeof names->item / sizeof *names->item);
    if (!name || is_plain(name) || names->count == room)
        return;
    char *copy = strdup(name);
    if (!copy)
        return;
    int at = names->count++;
    for (; at > 0 && strlen(names->item[at - 1]) < strlen(copy); at--)
        names->item[at] = names->item[at - 1];
    names->item[at] = copy;
}

/* The folder of a user has the user's name, as a rule. */
static void add_home(cli_private *names, const char *folder)
{
    const char *last = folder ? strrchr(folder, '/') : NULL;
    if (!last)
        return;
    add(names, folder);
    add(names, last + 1);
}

void cli_private_find(cli_private *names)
{
    static const char *const others[] = {"PWD",       "OLDPWD",   "USER", "LOGNAME",
                                         "SUDO_USER", "HOSTNAME", "HOST"};
    char host[256] = "", folder[NAS_PATH_SIZE];
    const struct passwd *user = getpwuid(getuid());
    add_home(names, getenv("HOME"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add(names, getenv(others[i]));
    if (user) {
        add(names, user->pw_name);
        add_home(names, user->pw_dir);
    }
    if (getcwd(folder, sizeof folder))
        add(names, folder);
    if (gethostname(host, sizeof host - 1) == 0) {
        add(names, host);
        host[strcspn(host, ".")] = '\0';
        add(names, host);
    }
}

void cli_private_clear(cli_private *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->item[i]);
    names->count = 0;
}

/* ---- taking it out ------------------------------------------------------------------------------------ */

static bool is_word(char letter)
{
    return isalnum((unsigned char)letter) || letter == '_';
}

/* Length of the private name that `text` goes on with; 0: none.  Folders may stand behind anything (-I/home/jane). */
static size_t private_length(const cli_private *names, bool folders, const char *start,
                             const char *text)
{
    if (folders ? text[0] != '/' : text > start && is_word(text[-1]))
        return 0;
    for (int i = 0; i < names->count; i++) {
        const char *name = names->item[i];
        const size_t length = strlen(name);
        if ((name[0] == '/') == folders && strncasecmp(text, name, length) == 0 &&
            !is_word(text[length]))
            return length;
    }
    return 0;
}

/* Length of the path that `text` goes on with; 0: none.  Quotients (GB/s), comments and what is relative are no paths. */
static size_t path_length(const char *start, const char *text)
{
    const bool option = text - start >= 2 && text[-2] == '-' && isalpha((unsigned char)text[-1]);
    if (text > start && !option && (is_word(text[-1]) || strchr(")./*", text[-1])))
        return 0;
    if (text[0] == '~' ? text[1] != '/' : text[0] != '/' || strchr("/* \t\r\n", text[1]))
        return 0; /* strchr finds the end of the text, too */
    return strcspn(text, " \t\r\n\"'`<>|,;:)]}");
}

/* The file's own name where it says something: a source, a library. */
static void add_file_name(nas_text *to, const char *path, size_t length)
{
    static const char *const endings[] = {".cl", ".clh", ".c", ".h", ".so", ".bc", ".icd"};
    size_t at = length;
    while (at > 0 && path[at - 1] != '/' && path[at - 1] != '\\')
        at--;
    const char *ending = memchr(path + at, '.', length - at);
    nas_text_add(to, "(path)");
    for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++) {
        const size_t size = strlen(endings[i]);
        const char *behind = path + length - size;
        if (length - at > size && strncmp(behind, endings[i], size) == 0) {
            nas_text_format(to, "/%.*s", (int)(length - at), path + at);
            return;
        }
    }
}

/* What is found in place of a private name: a folder goes on as a path, which the next pass takes whole. */
static void hide_names(const cli_private *names, bool folders, const char *text, nas_text *to)
{
    nas_text_add(to, "");
    for (const char *at = text; *at;) {
        const size_t length = private_length(names, folders, text, at);
        if (length)
            nas_text_add(to, folders ? " ~/" : HIDDEN);
        else
            nas_text_add_bytes(to, at, 1);
        at += length ? length : 1;
    }
}

static void hide_paths(const char *text, nas_text *to)
{
    nas_text_add(to, "");
    for (const char *at = text; *at;) {
        const size_t length = path_length(text, at);
        if (length)
            add_file_name(to, at, length);
        else
            nas_text_add_bytes(to, at, 1);
        at += length ? length : 1;
    }
}

char *cli_private_text(const cli_private *names, const char *text)
{
    nas_text known = {0}, paths = {0}, to = {0};
    char *made = NULL;
    hide_names(names, true, text, &known);
    if (nas_text_check(&known) == NAS_OK)
        hide_paths(known.data, &paths);
    if (paths.data && nas_text_check(&paths) == NAS_OK)
        hide_names(names, false, paths.data, &to);
    if (to.data && nas_text_check(&to) == NAS_OK) {
        made = to.data;
        to = (nas_text){0};
    }
    nas_text_clear(&known);
    nas_text_clear(&paths);
    nas_text_clear(&to);
    return made;
}

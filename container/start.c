/* Starts plugin-factory as the user to whom the mounted folders belong.
 *
 * The image's user is not root. What it writes into a mounted folder would belong to nobody whom the
 * caller knows, and most folders it could not write at all: they belong to the caller, who is root
 * inside a rootless container, and any user inside a rootful one. No option of the caller's is needed
 * if the process becomes the owner of what is mounted, so this program is setuid root.
 *
 * It changes who it is as the first process of a container only: that one is started by whoever made
 * the container, with words and variables of theirs. Any other process that starts it may be anybody's
 * (a build runs the code that it builds) and would choose what runs as another user; there it gives up
 * the right to change before it does anything else. No variable of its caller's makes it change.
 *
 * It changes nothing
 *   - for any other user than the image's: --user, --userns=keep-id and OpenShift have chosen;
 *   - in Kubernetes, whose volumes have no caller;
 *   - where nothing is mounted, or privileges cannot be gained (no-new-privileges, --cap-drop).
 *
 * Nothing that it starts can gain privileges again, by this program or by another.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the image has things; other places are for tests of this program alone. */
#ifndef ROOT
#define ROOT ""
#endif
#ifndef IMAGE_USER
#define IMAGE_USER 1001
#endif

static const char PYTHON[] = ROOT "/opt/plugin-factory/bin/python";
static const char PROGRAM[] = ROOT "/opt/plugin-factory/bin/plugin-factory";
static const char *const FOLDERS[] = {ROOT "/outputs", ROOT "/source", ROOT "/config"};
static const uid_t UNMAPPED = 65534; /* stands for every user whom the container does not have */

/* What the kubelet writes, as root. Its variable is the container's maker's, and only ever a reason to
 * change nothing: without it, as with it, the files are looked at. */
static const char HOSTS[] = ROOT "/etc/hosts";
static const char KUBELETS[] = "# Kubernetes-managed hosts file";
static const char ACCOUNT[] = ROOT "/var/run/secrets/kubernetes.io";

/* Variables that say what code a program runs: the loader's, C libraries', Python's and shells'. */
static const char *const STEERING[] = {"LD_", "GCONV_PATH=", "GLIBC_TUNABLES=", "MALLOC_", "LOCPATH=",
                                       "NLSPATH=", "HOSTALIASES=", "RES_OPTIONS=", "OPENSSL_",
                                       "PYTHON", "BASH_ENV=", "ENV=", "BASH_FUNC_", "SHELLOPTS=",
                                       "BASHOPTS=", "IFS=", "PS4=", "CDPATH="};

extern char **environ;

static bool is_callers(const struct stat *folder)
{
    return S_ISDIR(folder->st_mode) && folder->st_uid != IMAGE_USER && folder->st_uid != UNMAPPED;
}

/* The folders are the image user's own, unless something of another's is mounted there. */
static bool find_caller(struct stat *found)
{
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        if (lstat(FOLDERS[i], found) == 0 && is_callers(found))
            return true;
    return false;
}

static bool in_kubernetes(void)
{
    char begun[sizeof KUBELETS] = "";
    int hosts = open(HOSTS, O_RDONLY | O_CLOEXEC);
    if (hosts >= 0) {
        ssize_t length = read(hosts, begun, sizeof begun - 1);
        begun[length > 0 ? length : 0] = '\0';
        close(hosts);
    }
    return strcmp(begun, KUBELETS) == 0 || access(ACCOUNT, F_OK) == 0 || getenv("KUBERNETES_SERVICE_HOST");
}

/* ssh refuses to work for a user without a name. A read-only /etc leaves it at that. */
static void give_name(uid_t user, gid_t group)
{
    FILE *passwd = getpwuid(user) ? NULL : fopen(ROOT "/etc/passwd", "a");
    if (!passwd)
        return;
    fprintf(passwd, "caller:x:%u:%u::/home/factory:/sbin/nologin\n", user, group);
    fclose(passwd);
}

static bool become(uid_t user, gid_t group)
{
    const gid_t group_of_image = 0; /* which may write to the image's folders */
    if (setgroups(1, &group_of_image) != 0)
        return errno == EPERM; /* without the capability: stay who we are */
    give_name(user, group);
    return setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0;
}

static bool stay(void)
{
    return setresgid(getgid(), getgid(), getgid()) == 0 && setresuid(getuid(), getuid(), getuid()) == 0;
}

static bool steers(const char *variable)
{
    for (size_t i = 0; i < sizeof STEERING / sizeof *STEERING; i++)
        if (strncmp(variable, STEERING[i], strlen(STEERING[i])) == 0)
            return true;
    return false;
}

/* The variables are the build's, all but those that would have other code run than ours. */
static void drop_steering_variables(void)
{
    char **kept = environ;
    for (char **each = environ; *each; each++)
        if (!steers(*each))
            *kept++ = *each;
    *kept = NULL;
}

/* A file that is opened next must not become somebody's standard error. */
static bool have_standard_streams(void)
{
    int opened;
    do
        opened = open("/dev/null", O_RDWR);
    while (opened >= 0 && opened <= STDERR_FILENO);
    return opened >= 0 && close(opened) == 0;
}

int main(int argc, char **argv)
{
    struct stat folder;
    bool is_first = getpid() == 1;
    bool may_change = is_first && geteuid() == 0 && getuid() == IMAGE_USER;

    if (!may_change && (geteuid() != getuid() || getegid() != getgid()) && !stay()) {
        fprintf(stderr, "error: cannot stay user %u: %s\n", getuid(), strerror(errno));
        return 126;
    }
    if (argc < 1 || !have_standard_streams())
        return 126;
    drop_steering_variables();
    if (may_change && !in_kubernetes() && find_caller(&folder) && !become(folder.st_uid, folder.st_gid)) {
        fprintf(stderr, "error: cannot become user %u: %s\n", folder.st_uid, strerror(errno));
        return 126;
    }
    if (geteuid() != getuid() && !stay()) {
        fprintf(stderr, "error: cannot stay user %u: %s\n", getuid(), strerror(errno));
        return 126;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        fprintf(stderr, "error: cannot give up privileges: %s\n", strerror(errno));
        return 126;
    }

    /* -I: nothing of the working directory, of the user's or of a variable is code of ours. */
    char **words = calloc((size_t)argc + 3, sizeof *words);
    if (!words)
        return 126;
    words[0] = (char *)PYTHON;
    words[1] = "-I";
    words[2] = (char *)PROGRAM;
    memcpy(words + 3, argv + 1, (size_t)(argc - 1) * sizeof *words);
    execv(PYTHON, words);
    fprintf(stderr, "error: %s: %s\n", PYTHON, strerror(errno));
    return 127;
}

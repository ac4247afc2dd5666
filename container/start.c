/* Starts plugin-factory as the user to whom the mounted folders belong.
 *
 * The image's user is not root. What it writes into a mounted folder would belong to nobody whom the
 * caller knows, and most folders it could not write at all: they belong to the caller, who is root
 * inside a rootless container, and any user inside a rootful one. No option of the caller's is needed
 * if the process becomes the owner of what is mounted, so this program is setuid root.
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
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PROGRAM[] = "/opt/plugin-factory/bin/plugin-factory";
static const char *const FOLDERS[] = {"/outputs", "/source", "/config"};
static const uid_t IMAGE_USER = 1001;
static const uid_t UNMAPPED = 65534; /* stands for every user whom the container does not have */

static bool is_callers(const struct stat *folder)
{
    return folder->st_uid != IMAGE_USER && folder->st_uid != UNMAPPED;
}

/* The folders are the image user's own, unless something of another's is mounted there. */
static bool find_caller(struct stat *found)
{
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        if (stat(FOLDERS[i], found) == 0 && is_callers(found))
            return true;
    return false;
}

/* ssh refuses to work for a user without a name. A read-only /etc leaves it at that. */
static void give_name(uid_t user, gid_t group)
{
    FILE *passwd = getpwuid(user) ? NULL : fopen("/etc/passwd", "a");
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

int main(int argc, char **argv)
{
    struct stat folder;
    bool may_change = geteuid() == 0 && getuid() == IMAGE_USER && !getenv("KUBERNETES_SERVICE_HOST");

    (void)argc;
    if (may_change && find_caller(&folder) && !become(folder.st_uid, folder.st_gid)) {
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
    execv(PROGRAM, argv);
    fprintf(stderr, "error: %s: %s\n", PROGRAM, strerror(errno));
    return 127;
}

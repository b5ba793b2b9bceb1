import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CacheError } from '../../src/errors';
import { isPrivateGroup } from '../../src/trust/private-group';
import { checkTrusted, checkTrustedDirectory } from '../../src/trust/trusted-path';
import { temporaryEnvironment } from '../support/environment';
import { reasonAgainstOtherUser, runAsOtherUser, uid as otherUser } from '../support/other-user';
import { temporaryDirectory } from '../support/temporary';

const isWindows = process.platform === 'win32';
const title = 'checkTrusted';

(isWindows ? describe.skip : describe)(
  isWindows ? `${title} (skipped: Windows has no such permissions)` : title,
  () => {
    const directory = temporaryDirectory();
    temporaryEnvironment(() => ({ SEMISUP_TRUST_CACHE: undefined }));
    const at = (...path: string[]) => join(directory.path, ...path);
    let file: string;

    beforeEach(() => {
      mkdirSync(at('above', 'cache'), { recursive: true, mode: 0o755 });
      file = at('above', 'cache', 'model.pt');
      writeFileSync(file, '', { mode: 0o644 });
    });

    function rejects(path: string, culprit: string, reason: RegExp, check = checkTrusted) {
      assert.throws(
        () => {
          check(path);
        },
        (error) => {
          assert(error instanceof CacheError && error.code === 'ERR_SEMISUP_CACHE_UNSAFE');
          assert.equal(error.value, culprit);
          assert.match(error.what, reason);
          assert(error.what.includes(culprit), error.what);
          assert.match(error.remedy, /SEMISUP_TRUST_CACHE=1/);
          return true;
        },
      );
    }

    it('accepts what only this user can write, and what does not exist', () => {
      checkTrusted(file);
      checkTrusted(at('above', 'cache'));
      checkTrusted(at('none', 'model.pt'));
      checkTrusted(join(file, 'below'));
      checkTrustedDirectory(at('above', 'cache'));
      checkTrustedDirectory(at('none'));
    });

    it('rejects what all users can write: a file, its directory, and one above it', () => {
      for (const path of [file, at('above', 'cache'), at('above')]) {
        chmodSync(path, 0o777);
        rejects(file, path, /is writable by all users \(mode 777\)/);
        chmodSync(path, 0o755);
      }
      chmodSync(file, 0o666);
      rejects(at('above', 'cache'), file, /mode 666/, checkTrustedDirectory);
    });

    it('states the command, also for names that a shell would interpret', () => {
      const path = at("it's $HOME");
      mkdirSync(path);
      chmodSync(path, 0o777);
      const check = () => {
        checkTrusted(path);
      };
      assert.throws(check, (error: CacheError) => {
        const command = /Run: (chmod o-w '.*')\. Or choose/.exec(error.remedy)?.[1];
        assert.equal(spawnSync('sh', ['-c', command!]).status, 0, error.remedy);
        return true;
      });
      checkTrusted(path);
    });

    it('accepts a sticky directory above, in which only the owner of a file can replace it', () => {
      chmodSync(at('above'), 0o1777);
      chmodSync(at('above', 'cache'), 0o1777);
      checkTrusted(file);
    });

    it('shows at most 200 characters of a path', () => {
      const path = at(...Array.from({ length: 10 }, () => 'x'.repeat(100)));
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
      const check = () => {
        checkTrusted(path);
      };
      assert.throws(check, (error: CacheError) => error.message.length < 1100);
    });

    it('accepts anything if SEMISUP_TRUST_CACHE is set, but not to 0', () => {
      chmodSync(file, 0o666);
      process.env.SEMISUP_TRUST_CACHE = '1';
      checkTrusted(file);
      checkTrustedDirectory(at('above', 'cache'));
      process.env.SEMISUP_TRUST_CACHE = '0';
      rejects(file, file, /all users/);
    });

    describe('of a link', () => {
      it('follows it, relative or absolute', () => {
        symlinkSync('above/cache', at('relative'));
        symlinkSync(at('relative'), at('absolute'));
        checkTrusted(at('absolute', 'model.pt'));
        chmodSync(at('above'), 0o777);
        rejects(at('absolute', 'model.pt'), at('above'), /mode 777/);
        symlinkSync('../above', at('above', 'up'));
        rejects(at('above', 'up'), at('above'), /mode 777/);
      });

      it('ends for links in a circle', () => {
        symlinkSync('b', at('a'));
        symlinkSync('a', at('b'));
        checkTrusted(at('a', 'model.pt'));
      });
    });

    const reason = reasonAgainstOtherUser();
    (reason ? describe.skip : describe)(`by users${reason ? ` (skipped: ${reason})` : ''}`, () => {
      it('rejects what belongs to another user: a file, its directory, and one above it', () => {
        for (const path of [file, at('above', 'cache'), at('above')]) {
          chownSync(path, otherUser, 0);
          rejects(file, path, /belongs to user 987654, who is neither root nor user 0/);
          chownSync(path, 0, 0);
        }
        chownSync(file, otherUser, otherUser);
        rejects(at('above', 'cache'), file, /belongs to user/, checkTrustedDirectory);
      });

      it('rejects a link of another user, although it leads to a file of this one', () => {
        symlinkSync(file, at('link'));
        checkTrusted(at('link'));
        lchownSync(at('link'), otherUser, otherUser);
        rejects(at('link'), at('link'), /belongs to user 987654/);
      });

      it("rejects what another user's group can write", () => {
        chownSync(file, 0, otherUser);
        chmodSync(file, 0o664);
        rejects(file, file, /is writable by group 987654/);
      });

      const run = (program: string) => {
        chmodSync(directory.path, 0o755);
        const result = runAsOtherUser(
          `const { checkTrusted } = require('./src/trust/trusted-path');
           try { checkTrusted(${JSON.stringify(file)}); console.log('trusted'); }
           catch (error) { console.log(error.code); }
           ${program}`,
          { TMPDIR: at('tmp') },
        );
        assert.equal(result.status, 0, result.stderr);
        return result.stdout;
      };
      beforeEach(() => {
        mkdirSync(at('tmp'));
        chmodSync(at('tmp'), 0o777);
      });

      it("accepts root's files for another user, as in a container image", () => {
        assert.equal(run(''), 'trusted');
      });

      it("accepts what that user's own group can write, as with the umask 002", () => {
        chownSync(file, otherUser, otherUser);
        chmodSync(file, 0o664);
        assert.equal(run(''), 'trusted');
      });

      it("accepts what root's group can write, as in OpenShift", () => {
        chownSync(file, otherUser, 0);
        chmodSync(file, 0o664);
        chmodSync(at('above'), 0o775);
        assert.equal(run(''), 'trusted');
      });
    });

    it('takes a group for private only if this process belongs to it', () => {
      assert.equal(isPrivateGroup(987_653), false);
      assert.equal(isPrivateGroup(0), true);
    });
  },
);

"""Whole programs tried, from outside: children, servers, failures, Ctrl-C."""
import json
import os
import signal
import subprocess

import program
import tap

STATIC = os.environ['CHURN_STATIC']
SLAB = os.path.join(os.environ['CHURN_ALLOCATORS'], 'libchurn_slab.so')
PYTHON = '/usr/bin/python3'
# Long enough to be seen with its libraries, and to have some CPU time.
WORK = 'x = [str(i) for i in range(60000)]; print("took", 12.5, "ms")'

SERVER = '''
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ.get("ON_STOP", "0"))))
server = socket.socket(socket.AF_UNIX)
server.bind("socket")
server.listen()
while True:
    with server.accept()[0] as one:
        if one.recv(4) == b"work":
            if os.environ.get("DIES"):
                print("no more of this", flush=True)
                os._exit(9)
            x = [str(i) for i in range(30000)]
            one.sendall(b"done")
'''
ASK = '''
import socket, sys
one = socket.socket(socket.AF_UNIX)
one.connect("socket")
one.sendall(sys.argv[1].encode())
print("rate", 400 if one.recv(4) == b"done" else sys.exit(1))
'''


class Try(program.Program):
    def attempt(self, *arguments, status=0, command=(PYTHON, '-c', WORK), **options):
        done = self.churn('try', *arguments, '--', *command, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def variants(self, *arguments, **more):
        found = json.loads(self.attempt('--json', *arguments, **more).stdout)
        return found, {each['variant']: each for each in found['variants']}

    def three(self, *arguments, **more):
        return self.variants('--invocations', 3, *arguments, **more)

    def test_figures_of_every_variant_and_the_proof(self):
        found, variants = self.three('--allocator', 'glibc,slab')
        self.assertEqual(found['rounds'], 3)
        self.assertEqual(found['baseline'], 'glibc')
        for each in variants.values():
            self.assertEqual(each['outcome'], 'ok', each['reason'])
            for name in ('time_per_op_ns', 'cpu_per_op_ns', 'minor_faults', 'peak_rss_bytes'):
                self.assertGreater(each['metrics'][name]['median'], 0, name)
            self.assertGreater(len(each['rss_time_line']), 0)
        self.assertEqual(variants['slab']['metrics']['processes_proved']['median'], 1)
        again = self.churn('try', '--report', '1', '--json')
        self.assertEqual(json.loads(again.stdout)['variants'], found['variants'])

    def test_own_figure_and_what_varies(self):
        found, variants = self.three('--allocator', 'glibc', '--vary',
                                     'PYTHONMALLOC=pymalloc,malloc', '--metric', r'took ([\d.]+)')
        self.assertEqual(found['ranked_by'], 'own_figure')
        self.assertEqual(set(variants), {'glibc{PYTHONMALLOC=pymalloc}',
                                         'glibc{PYTHONMALLOC=malloc}'})
        for each in variants.values():
            self.assertEqual(each['metrics']['own_figure']['median'], 12.5)
        self.attempt('--allocator', 'glibc', '--metric', 'rate ([0-9]+)', status=2)

    def test_children_are_part_of_it(self):
        line = f"{PYTHON} -c '{WORK}'; {PYTHON} -c 'import time; x = bytearray(90_000_000); '" \
               f"'time.sleep(.1)'"
        _, variants = self.three('--allocator', 'slab', command=('sh', '-c', line))
        metrics = variants['slab']['metrics']
        self.assertGreater(metrics['processes_proved']['median'], 1)
        self.assertGreater(metrics['peak_rss_bytes']['median'], 90_000_000)

    def test_a_child_without_the_preload_is_no_measurement(self):
        line = f"env -u LD_PRELOAD {PYTHON} -c 'print(sum(range(9_000_000)))'"
        _, variants = self.three('--allocator', 'glibc,slab', command=('sh', '-c', line),
                                 status=4)
        self.assertEqual(variants['slab']['outcome'], 'unproved')
        self.assertIn('without the preload', variants['slab']['reason'])
        self.assertEqual(variants['glibc']['outcome'], 'ok')

    def test_a_program_that_brings_its_own_malloc(self):
        environment = {**os.environ, 'LD_PRELOAD': SLAB}
        found, variants = self.three('--allocator', 'glibc,buddy', env=environment)
        self.assertEqual(set(variants), {'unchanged', 'glibc', 'buddy'})
        self.assertEqual(found['baseline'], 'unchanged')
        self.assertEqual(variants['glibc']['outcome'], 'ok', variants['glibc']['reason'])

    def test_a_failure_is_a_finding_with_its_last_lines(self):
        line = 'echo begun; [ "$MODE" = bad ] && { echo gone wrong; kill -SEGV $$; }; sleep .05'
        done = self.attempt('--allocator', 'glibc,slab', '--vary', 'MODE=good,bad',
                            '--invocations', 3, command=('sh', '-c', line), status=4)
        self.assertIn('glibc{MODE=bad}: crashed, 0/2 ok: was killed by SIGSEGV', done.stdout)
        self.assertIn('  | gone wrong', done.stdout)
        self.assertIn('Keep glibc{MODE=good}', done.stdout)

    def test_what_hangs_is_ended_and_what_is_left_is_killed(self):
        line = 'sleep 12345 & [ "$MODE" != bad ] || sleep 12346'
        done = self.attempt('--allocator', 'glibc', '--vary', 'MODE=good,bad', '--invocations', 3,
                            '--time-limit', '1s', command=('sh', '-c', line), status=4)
        self.assertIn('did not end within 1 s', done.stdout)
        self.assertIn('left 1 process running', done.stderr)
        self.assertNotIn('sleep\x001234', self.command_lines())

    def command_lines(self):
        text = ''
        for each in os.listdir('/proc'):
            if each.isdigit():
                try:
                    with open(f'/proc/{each}/cmdline', encoding='utf-8', errors='replace') as file:
                        text += file.read() + '\n'
                except OSError:
                    pass
        return text

    def test_what_eats_all_memory_is_ended(self):
        work = 'import os, time; x = bytearray(20_000_000)\n' \
               'while os.environ.get("MODE") == "bad": x = x + x; time.sleep(.02)'
        _, variants = self.three('--allocator', 'glibc', '--vary', 'MODE=good,bad',
                                 '--memory-cap', '300Mi', command=(PYTHON, '-c', work), status=4)
        self.assertEqual(variants['glibc{MODE=bad}']['outcome'], 'out-of-memory')

    def serve(self, *arguments, status=0, **more):
        self.write('server.py', SERVER)
        self.write('ask.py', ASK)
        return self.variants(
            '--allocator', 'glibc,slab', '--invocations', 3, '--prepare', 'rm -f socket',
            '--ready', f'{PYTHON} -c "import socket as s; s.socket(s.AF_UNIX).connect(\'socket\')"',
            '--load', f'{PYTHON} ask.py work', *arguments,
            command=(PYTHON, 'server.py'), status=status, **more)

    def test_a_server_under_load(self):
        found, variants = self.serve('--metric', r'rate (\d+)', '--larger-is-better')
        self.assertEqual(found['ranked_by'], 'own_rate')
        self.assertEqual(found['op'], 'one run of the load')
        for each in variants.values():
            self.assertEqual(each['outcome'], 'ok', each['reason'])
            self.assertEqual(each['metrics']['own_rate']['median'], 400)
            self.assertEqual(each['metrics']['processes']['median'], 1)

    def test_a_server_that_fails(self):
        _, variants = self.serve('--vary', 'DIES=,1', status=4)
        self.assertEqual(variants['slab{DIES=}']['outcome'], 'ok')
        self.assertIn('the server ended with exit status 9\nno more of this',
                      variants['slab{DIES=1}']['reason'])
        _, variants = self.serve('--vary', 'ON_STOP=0,3', status=4)
        self.assertIn('when it was stopped, the server ended with exit status 3',
                      variants['glibc{ON_STOP=3}']['reason'])

    def test_what_cannot_be_preloaded_is_said(self):
        self.assert_refused(self.churn('try', '--', STATIC), 'statically linked')
        self.assert_refused(self.churn('try', '--', 'no-such-program'), 'no-such-program')
        self.assert_refused(self.churn('try'), 'there is no command')
        self.assert_refused(self.churn('try', '--load', 'x', '--', 'true'), '--ready')
        self.assert_refused(self.churn('try', '--metric', '(', '--', 'true'), '--metric')
        self.assert_refused(self.churn('try', '--allocator', 'jemaloc', '--', 'true'), 'jemalloc')
        self.assertFalse(self.db.exists())
        done = self.attempt('--allocator', 'glibc,slab', command=('false',), status=2)
        self.assertIn('fails as it is', done.stderr)
        done = self.attempt('--allocator', 'glibc,slab', '--budget', '300ms',
                            command=('sleep', '.2'), status=2)
        self.assertIn('larger --budget', done.stderr)

    def test_standard_input_is_read_anew(self):
        path = self.write('input', 'x' * 5000)
        line = self.command('try', '--json', '--allocator', 'glibc', '--invocations', 3,
                            '--metric', '[0-9]+', '--', 'wc', '-c')
        with open(path, encoding='utf-8') as file:
            done = subprocess.run(line, cwd=self.directory, text=True, stdin=file, timeout=60,
                                  capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        figure = json.loads(done.stdout)['variants'][0]['metrics']['own_figure']
        self.assertEqual((figure['low'], figure['high'], figure['n']), (5000, 5000, 3))

    def test_control_c_still_reports(self):
        running = self.start('try', '--allocator', 'glibc,slab', '--invocations', 500, '--',
                             'sh', '-c', 'sleep .05; sleep .01')
        self.wait_for_invocations(8, running)
        running.send_signal(signal.SIGINT)
        out, error = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 130, error)
        self.assertIn('Keep glibc', out)
        self.assertIn('interrupted', error)
        self.assertEqual(program.children(running.pid), [])


tap.main()

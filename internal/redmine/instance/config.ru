# Makes the database of a fresh Redmine and serves it.
require "/usr/share/redmine/config/environment"

# Nothing has to outlive the machine: no write waits for its disk.
ActiveRecord::ConnectionAdapters::SQLite3Adapter.prepend(Module.new do
  def configure_connection
    super
    execute("PRAGMA synchronous=OFF")
    execute("PRAGMA journal_mode=MEMORY")
  end
end)
ActiveRecord::Base.clear_all_connections!

# Its mails would go nowhere: they are not even written.
class Nowhere
  def enqueue(*) end
  def enqueue_at(*) end
end
ActiveJob::Base.queue_adapter = Nowhere.new

# In a process of its own, so that no class remembers a table as it was half way.
migration = fork do
  connection = ActiveRecord::Base.connection
  ActiveRecord::Migration.verbose = false
  ActiveRecord::Base.logger = nil
  # As one transaction: hundreds of small ones take ten times as long.
  connection.transaction do
    ActiveRecord::MigrationContext.new("/usr/share/redmine/db/migrate", ActiveRecord::SchemaMigration).migrate
  end
  # Redmine's migrations lose what the other databases do: no id is given twice.
  connection.execute("PRAGMA writable_schema=ON")
  connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'integer NOT NULL PRIMARY KEY', " \
    "'integer PRIMARY KEY AUTOINCREMENT NOT NULL') WHERE type = 'table' AND name = 'users'")
  exit!(true)
end
Process.wait(migration)
abort("the database could not be made") unless $?.success?

Setting.rest_api_enabled = "1"
Setting.notified_events = []
admin = User.find_by_login("admin")
admin.must_change_passwd = false
admin.password = admin.password_confirmation = ENV.fetch("ADMIN_PASSWORD")
admin.save!
File.write(File.join(ENV.fetch("HOME"), "key"), admin.api_key)

# One request at a time: of two that have read, SQLite refuses one when both write.
use Rack::Lock
run Rails.application
